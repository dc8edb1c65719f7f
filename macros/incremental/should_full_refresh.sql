{# dbt's own hook: whether a model begins with nothing. Beside dbt's option, which is for all of them, the nightly run names
   the groups whose tables may be left of other definitions or hold what was retracted. A model follows a parent that has
   begun anew since, as nothing tells which of its rows are gone. #}
{% macro should_full_refresh() -%}
    {%- set groups = env_var('TOUCHSTONE_FULL_REFRESH', '').split(',') -%}
    {%- if flags.FULL_REFRESH or model.group in groups -%}
        {{ return(true) }}
    {%- elif model.config.materialized != 'incremental' or not execute or flags.WHICH not in ('build', 'run') -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set marks -%}
        select count(case when own.parent = own.model then 1 end) = 0 or count(refreshed.load_id) > 0
        from {{ all_high_water_marks() }} as own
        left join {{ all_high_water_marks() }} as refreshed
            on
                own.parent = refreshed.model
                and refreshed.parent = 'full refresh'
                and own.load_id < refreshed.load_id
        where own.model = '{{ this.name }}'
    {%- endset -%}
    {{ return(run_query(marks).columns[0].values()[0]) }}
{%- endmacro %}
