-- Grain: one grain (hour, day, month), period, skill, stage, locale, product and its type, of which the last three
-- may be `all`. Every metric of in-skill purchasing: counts, how many subscriptions are active, and rates.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

counts as not materialized (

    select * exclude (load_id) from {{ read(ref('int_alexa__purchase_counts_by_period')) }}

),

changed_counts as (

    select * exclude (is_changed) from counts where is_changed

),

totals as (

    select * from {{ ref('int_alexa__active_subscriptions_by_period') }}

),

-- Every period from what changed to the last event, of every product that has had a subscription by then.
periods as (

    select
        skill_id,
        stage,
        grain,
        period_start
    from counts
    where locale = 'all' and product_type = 'all'
    qualify
        is_changed
        and period_start <= max(case when record_count > 0 then period_start end) over (
            partition by skill_id, stage, grain
        )

),

subscribed as (

    select distinct skill_id, stage, locale, product_id, product_type, grain from totals

),

subscriptions as (

    select
        periods.*,
        totals.* exclude (skill_id, stage, grain, period_start, paid_change),
        case when totals.period_start = periods.period_start then paid - paid_change else paid end as paid_at_start
    from periods
    inner join subscribed using (skill_id, stage, grain)
    asof inner join totals
        on
            subscribed.skill_id = totals.skill_id
            and subscribed.stage = totals.stage
            and subscribed.locale = totals.locale
            and subscribed.product_id = totals.product_id
            and subscribed.product_type = totals.product_type
            and subscribed.grain = totals.grain
            and periods.period_start >= totals.period_start

),

joined as (

    select
        skill_id,
        stage,
        locale,
        product_id,
        product_type,
        grain,
        period_start,
        coalesce(
            columns(counts.* exclude (skill_id, stage, locale, product_id, product_type, grain, period_start)), 0
        ),
        coalesce(active, 0) as active_subscriptions,
        coalesce(paid_at_start, 0) as paid_at_start,
        -- by its subscriptions alone an hour is empty: 24 rows would say what the day's does
        counts.record_count = 0 and (active is null or grain = 'hour') as is_empty
    from changed_counts as counts
    full join subscriptions using (skill_id, stage, locale, product_id, product_type, grain, period_start)
    where counts.record_count is not null or grain <> 'hour'

),

with_rates as (

    select
        *,
        trials_converted + trials_lapsed as trials_ended,
        subscriptions_by_offer / nullif(subscription_offers, 0) as offer_conversion_rate,
        upsells_offered / nullif(upsell_impressions, 0) as upsell_to_offer_conversion,
        purchases / nullif(one_time_offers, 0) as offer_to_purchase_conversion,
        upsells_accepted / nullif(upsell_impressions, 0) as upsell_to_purchase_conversion,
        trials_converted / nullif(trials_ended, 0) as trial_to_paid_rate,
        subscriptions_left / nullif(paid_at_start, 0) as churn_rate,
        {{ load_id() }} as load_id
    from joined

)

select * from with_rates
