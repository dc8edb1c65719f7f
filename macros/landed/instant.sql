{# The UTC time of a text: ISO 8601, an e-mail's date, or a Unix epoch in seconds or milliseconds, which are distinguished by
   their size. #}
{% macro instant(text) -%}
    list_transform([{{ text }}], lambda stated: case
        when contains(stated, ',') then try_strptime(stated, '%a, %d %b %Y %H:%M:%S %z') at time zone 'UTC'
        when contains(stated, '-') then try_cast(stated as timestamptz) at time zone 'UTC'
        when try_cast(stated as decimal(20, 6)) between 946684800 and 4102444800
            then make_timestamp(cast(try_cast(stated as decimal(20, 6)) * 1000000 as bigint))
        when try_cast(stated as decimal(20, 6)) between 946684800000 and 4102444800000
            then make_timestamp(cast(try_cast(stated as decimal(20, 6)) * 1000 as bigint))
    end)[1]
{%- endmacro %}


{# SQL of a stream's source, with the macro `instant` of landing written out. #}
{% macro with_instants(sql) -%}
    {%- set pieces = sql.split('instant(') -%}
    {%- set result = [pieces[0]] -%}
    {%- for piece in pieces[1:] -%}
        {%- set depth = namespace(value=1, end=none) -%}
        {%- for character in piece if depth.end is none -%}
            {%- set depth.value = depth.value + {'(': 1, ')': -1}.get(character, 0) -%}
            {%- if depth.value == 0 -%}
                {%- set depth.end = loop.index0 -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do result.append(touchstone.instant(piece[:depth.end]) ~ piece[depth.end + 1:]) -%}
    {%- endfor -%}
    {{ return(result | join) }}
{%- endmacro %}
