{# The records of a stream as they are once they are old, whose persons are tokens: where retention by age is on, models read
   all records so, and count the same before and after. #}
{% macro pseudonymised(system, stream) -%}
{%- set records, found = source(system, stream), namespace(sql='') -%}
{%- if not execute -%}
    {{ return(records) }}
{%- endif -%}
{%- set declared = graph.sources['source.touchstone.' ~ system ~ '.' ~ stream] -%}
{%- set found.sql = 'from ' ~ records -%}
{%- for rules in (declared.config.meta.landing.persons, declared.config.meta.landing.personal) if rules -%}
    {%- set replaced = [] -%}
    {%- for name, sql in rules.items() -%}
        {%- do replaced.append('cast(' ~ sql ~ ' as ' ~ declared.columns[name].data_type ~ ') as "' ~ name ~ '"') -%}
    {%- endfor -%}
    {%- set found.sql = 'select * replace (' ~ replaced | join(', ') ~ ') from (' ~ found.sql ~ ')' -%}
{%- endfor -%}
{{ return('(' ~ found.sql ~ ')') }}
{%- endmacro %}
