-- Grain: one grain (hour, day, month), period in which the number of subscriptions changes, skill, stage, locale,
-- product and its type, of which the last three may be `all`. How many are active: all that began less all that ended.
{{ config(materialized='view') }}

with

states as (

    select
        *,
        date_trunc('hour', happened_at) as hour_start,
        {{ reporting_date('happened_at') }} as day_start,
        cast(date_trunc('month', {{ reporting_date('happened_at') }}) as date) as month_start
    from {{ ref('int_alexa__subscription_states') }}
    where is_current and (active_change <> 0 or paid_change <> 0)

),

changes as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        case when grouping(product_id) = 0 then product_id else 'all' end as product_id,
        case when grouping(product_type) = 0 then product_type else 'all' end as product_type,
        {{ grain_columns() }},
        cast(sum(active_change) as bigint) as active_change,
        cast(sum(paid_change) as bigint) as paid_change
    from states
    group by
        skill_id, stage,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale)),
        grouping sets ((), (product_type), (product_type, product_id))

),

totals as (

    select
        * exclude (active_change),
        cast(sum(active_change) over so_far as bigint) as active,
        cast(sum(paid_change) over so_far as bigint) as paid
    from changes
    window so_far as (
        partition by skill_id, stage, locale, product_id, product_type, grain order by period_start
    )

)

select * from totals
