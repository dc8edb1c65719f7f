{# The records of a stream: those that landing wrote, or what a user's own macro `landed_<system>_<stream>` gives of a table
   that somebody else has loaded. A project that has Touchstone as a package, and neither, has none. #}
{% macro landed(system, stream) -%}
    {%- set of_user = context.get(project_name, {}).get('landed_' ~ system ~ '_' ~ stream) -%}
    {%- if of_user -%}
        {#- A filter would be computed from the loader's columns, with all that it is made of, beside the rows' values. -#}
        {{ return('(from ' ~ of_user() ~ ' semi join (select true as _is_counted) using (_is_counted))') }}
    {%- elif project_name == 'touchstone' or env_var('TOUCHSTONE_HOME', '') -%}
        {{ return(touchstone.pseudonymised(system, stream) if var('is_pseudonymised', false) else source(system, stream)) }}
    {%- endif -%}
    {%- set nothing = '(select null::json as record, null::timestamp as loaded_at, null as id limit 0)' -%}
    {{ return(touchstone.landed_table(system, stream, nothing, loaded_at='loaded_at', row_id='id', record='record')) }}
{%- endmacro %}
