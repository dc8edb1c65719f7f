{# dbt's own hook: whether a model is built from nothing. Beside dbt's option, which is for all of them, the orchestration
   names the groups whose tables may be left of other definitions or hold what was retracted. #}
{% macro should_full_refresh() -%}
    {{ return(flags.FULL_REFRESH or model.group in env_var('TOUCHSTONE_ANEW', '').split(',')) }}
{%- endmacro %}
