{# A declared column of a record as JSON. Where loaders write objects and lists as text, what is in it; where PHP does,
   an empty list in place of an empty object. #}
{% macro stated_json(column, expression, record, lower_case) -%}
    {%- set path = '$."' ~ (column.name | lower if lower_case else column.name) ~ '"' -%}
    {%- set value = 'to_json(' ~ expression ~ ')' if expression else "json_extract(" ~ record ~ ", '" ~ path ~ "')" if record else 'null::json' -%}
    {%- if touchstone.is_nested(column) or column.data_type == 'json' -%}
        list_transform([{{ value }}], lambda stated: case
            when json_type(stated) = 'VARCHAR' and left(stated ->> '$', 1) in ('{', '[')
                then coalesce(try_cast(stated ->> '$' as json), stated)
            when json_type(stated) = 'NULL' then null
            {%- if column.data_type.startswith('struct') and not column.data_type.endswith('[]') %}
            when stated = '[]' then '{}'::json
            {%- endif %}
            else stated
        end)[1]
    {%- else -%}
        {{ value }}
    {%- endif -%}
{%- endmacro %}


{# A declared column, typed; NULL where it, or a value in it, is of another type. What is inside is read as text first, as
   DuckDB would make NULLs of values that it can't cast. #}
{% macro typed_json(column, lower_case, not_happened) -%}
    {%- set json = 'stated."' ~ column.name ~ '"' -%}
    {%- set text = '(' ~ json ~ " ->> '$')" -%}
    {%- if touchstone.is_nested(column) -%}
        {%- set texts = json if ' timestamp' not in column.data_type else
            'cast(regexp_replace(cast(' ~ json ~ " as varchar), '(:[0-9.]+) ([+-][0-9])', '\\1\\2', 'g') as json)" -%}
        {%- set as_text = touchstone.retyped(column.data_type, 'varchar') -%}
        case json_type({{ json }}) when '{{ 'ARRAY' if column.data_type.endswith('[]') else 'OBJECT' }}' then try(cast(cast(
            json_transform({{ texts }}, '{{ tojson(as_text | lower if lower_case else as_text) }}')
            as {{ touchstone.retyped(column.data_type, 'timestamptz', 'timestamp') }}
        ) as {{ column.data_type }})) end
    {%- elif column.data_type == 'json' -%}
        {{ json }}
    {%- elif column.data_type == 'timestamp' -%}
        {{ touchstone.instant("nullif(" ~ text ~ ", '" ~ (not_happened or '') ~ "')") }}
    {%- elif column.data_type == 'varchar' -%}
        case when json_type({{ json }}) not in ('OBJECT', 'ARRAY') then {{ text }} end
    {%- elif column.data_type in ('integer', 'bigint') -%}
        case when regexp_full_match({{ text }}, '[+-]?[0-9]+([.]0*)?') then try_cast({{ text }} as {{ column.data_type }}) end
    {%- else -%}
        try_cast({{ text }} as {{ column.data_type }})
    {%- endif -%}
{%- endmacro %}


{# Whether a declared column is an object, a list or a map. #}
{% macro is_nested(column) -%}
    {{ return(column.data_type.endswith('[]') or '(' in column.data_type and not column.data_type.startswith('decimal')) }}
{%- endmacro %}


{# A nested type with another one in place of the scalar types `of`, by default of all. #}
{% macro retyped(data_type, other, of='integer|bigint|double|boolean|timestamp|json|decimal\([0-9, ]+\)') -%}
    {{ return(modules.re.sub('(?<!")\\b(' ~ of ~ ')(?![\\w"])', other, data_type)) }}
{%- endmacro %}
