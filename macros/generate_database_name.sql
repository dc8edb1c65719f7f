{# Records stay in `internal`; only what is counted goes into `touchstone`, the file that is published. In a user's own
   project all is where that project says. #}
{% macro generate_database_name(custom_database_name, node) -%}
    {%- if project_name != 'touchstone' -%}
        {{ of_project('generate_database_name')(custom_database_name, node) }}
    {%- elif node.resource_type in ('model', 'seed') and node.fqn[1] != 'marts' and 'published' not in node.config.tags -%}
        internal
    {%- else -%}
        {{ target.database }}
    {%- endif -%}
{%- endmacro %}
