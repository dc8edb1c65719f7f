{# The streams of the lake, as views of tables over the files that landing writes. Their columns are declared, as older files
   lack some, and as Spark opens no file with a UUID by itself: it reads the key as bytes, and here it becomes a text. #}
{% macro create_lake() -%}
    {%- for source in (graph.sources.values() if execute and flags.WHICH in ('build', 'run') else []) -%}
        {%- set files = '`' ~ source.schema ~ '`.`' ~ source.identifier ~ '_files`' -%}
        {%- set declared, selected = [], [] -%}
        {%- for column in source.columns.values() -%}
            {%- do declared.append('`' ~ column.name ~ '` ' ~ column.data_type) -%}
            {%- do selected.append('`' ~ column.name ~ '`' if column.data_type != 'binary' else text_of_uuid(column.name)) -%}
        {%- endfor -%}
        {%- do run_query('create schema if not exists `' ~ source.schema ~ '`') -%}
        {%- do run_query('drop table if exists ' ~ files) -%}
        {%- do run_query(
            'create table ' ~ files ~ ' (' ~ declared | join(', ') ~ ") using parquet options (path '" ~ var('lake') ~ '/'
            ~ source.source_name ~ '/' ~ source.name ~ "/*.parquet')"
        ) -%}
        {%- do run_query(
            'create or replace view ' ~ source.relation_name ~ ' as select ' ~ selected | join(', ') ~ ' from ' ~ files
        ) -%}
    {%- endfor -%}
{%- endmacro %}


{% macro text_of_uuid(name) -%}
    regexp_replace(lower(hex(`{{ name }}`)), '^(.{8})(.{4})(.{4})(.{4})(.{12})$', '$1-$2-$3-$4-$5') as `{{ name }}`
{%- endmacro %}
