{# The last load that this build takes in. A long history is built in passes of bounded size, each an ordinary incremental
   build, as the groups of years at once don't fit in memory. The nightly run sets it, pass by pass. #}
{% macro load_limit() -%}
    {{ env_var('TOUCHSTONE_LOAD_LIMIT', '9223372036854775807') }}
{%- endmacro %}
