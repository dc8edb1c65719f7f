{# Proves that no rate of the last `days` days is at or above `threshold`: neither our own of an account, the sum of
   `numerator` by that of `denominator` where that is at least `minimum`, nor the latest one landed, the column `landed`. #}
{% test rate_below_threshold(model, numerator, denominator, landed, threshold, minimum, days) %}
{{ config(where='true') }}

with

recent as (

    select *
    from {{ model }}
    where
        grain = 'day'
        and dimension = 'all'
        and period_start > (select max(period_start) from {{ model }} where grain = 'day') - interval {{ days }} days

),

computed as (

    select
        account_id,
        null as configuration_set,
        sum({{ numerator }}) / sum({{ denominator }}) as rate
    from recent
    group by account_id
    having sum({{ denominator }}) >= {{ minimum }}

),

reported as (

    select
        account_id,
        configuration_set,
        arg_max({{ landed }}, period_start) as rate
    from recent
    group by account_id, configuration_set

)

select 'computed' as origin, * from computed where rate >= {{ threshold }}
union all
select 'reported' as origin, * from reported where rate >= {{ threshold }}

{% endtest %}
