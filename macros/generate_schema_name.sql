{# A folder's schema is used as it is written, without the target's name before it; in a user's own project, as that
   project's schemas are. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if project_name != 'touchstone' -%}
        {{ of_project('generate_schema_name')(custom_schema_name, node) }}
    {%- else -%}
        {{ custom_schema_name or target.schema }}
    {%- endif -%}
{%- endmacro %}


{# A hook of dbt's as a user's project has it, or dbt's own: dbt asks a package for its own first. #}
{% macro of_project(hook) -%}
    {{ return(context.get(project_name, {}).get(hook) or context['dbt'][hook]) }}
{%- endmacro %}
