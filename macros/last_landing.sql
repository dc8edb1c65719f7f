{# The last landing this build is to process. A long history is built in passes of bounded size, each an ordinary
   incremental build, as the groups of years at once don't fit in memory. Set by the orchestration, pass by pass. #}
{% macro last_landing() -%}
    {{ env_var('TOUCHSTONE_LAST_LANDING', '9223372036854775807') }}
{%- endmacro %}
