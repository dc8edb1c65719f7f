{# The number of this build, for the rows that it changes. The nightly run numbers loads and builds as one; without it, a
   model counts its own builds. Either way a model's next build has a higher number. #}
{% macro load_id() -%}
    {%- if execute -%}
        {{ [env_var('TOUCHSTONE_LOAD_ID', '0') | int, loaded_through(this.name) + 1] | max }}
    {%- endif -%}
{%- endmacro %}
