{# Views without rows in place of models that others read and this night doesn't build, as nothing of their system has landed. #}
{% macro create_empty_views() -%}
    {%- set names = env_var('TOUCHSTONE_EMPTY', '').split(',') if execute and flags.WHICH == 'build' else [] -%}
    {%- for node in (graph.nodes.values() if names else []) if node.resource_type == 'model' and node.name in names -%}
        {%- set columns = [] -%}
        {%- for column in node.columns.values() -%}
            {%- do columns.append('cast(null as ' ~ column.data_type ~ ') as `' ~ column.name ~ '`') -%}
        {%- endfor -%}
        {%- do run_query('create schema if not exists `' ~ node.schema ~ '`') -%}
        {%- do run_query(
            'create view if not exists ' ~ node.relation_name ~ ' as select ' ~ columns | join(', ') ~ ' where false'
        ) -%}
    {%- endfor -%}
{%- endmacro %}


{# Post-hook: write what a night publishes as Parquet, with which it makes the DuckDB file. #}
{% macro export_rows() -%}
    {%- if execute and model.name in var('exported', []) -%}
        {%- do run_query(
            "insert overwrite directory '" ~ var('marts') ~ '/' ~ model.name ~ "' using parquet select * from " ~ this
        ) -%}
    {%- endif -%}
{%- endmacro %}
