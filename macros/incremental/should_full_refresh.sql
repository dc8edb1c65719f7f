{# dbt's own hook: whether a model is built from all records. Beside dbt's option, which is for all of them, the nightly
   run names the groups whose tables may be left of other definitions or hold what was retracted. A model follows a parent
   that has been built so since, as nothing shows which of its rows are gone. #}
{% macro should_full_refresh() -%}
    {%- set groups = env_var('TOUCHSTONE_FULL_REFRESH', '').split(',') -%}
    {%- if flags.FULL_REFRESH or model.group in groups -%}
        {{ return(true) }}
    {%- elif model.config.materialized != 'incremental' or high_water_marks() is none -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set marks = high_water_marks().get(this.name, {}) -%}
    {%- for parent, number in marks.items() if number < high_water_marks().get(parent, {}).get('full refresh', 0) -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(this.name not in marks) }}
{%- endmacro %}
