-- Grain: one grain (hour, day, month), period, skill, stage, locale, product and its type, of which the last three
-- may be `all`. Every metric of in-skill purchasing is defined here and nowhere else.
{{ config(database='touchstone', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

events as not materialized (

    select * from {{ ref('int_alexa__purchase_events') }}

),

-- What lands may change how many subscriptions are active from then on.
changed as (

    select
        skill_id,
        stage,
        min(happened_at) as since
    from events
    where landing > {{ processed_landing() }}
    group by skill_id, stage

),

records as not materialized (

    select
        events.*,
        happened_at as event_at,
        changed.since
    from events
    inner join changed using (skill_id, stage)

),

{{ placed_in_periods(touched='event_at >= since') }},

-- What an event counts for: 1, or NULL, which count() passes over.
flagged as (

    select
        * exclude (is_live, is_decided, is_one_time),
        case when is_live and is_decided and is_one_time and result = 'ACCEPTED' then 1 end as purchases,
        case when is_live and is_decided then 1 end as offer_impressions,
        case when is_live and is_decided and is_one_time then 1 end as one_time_offers,
        case when is_live and is_decided and not is_one_time then 1 end as subscription_offers,
        case when is_live and event = 'subscription_started' and via is not null then 1 end as subscriptions_by_offer,
        case when is_live and event = 'upsell_shown' then 1 end as upsell_impressions,
        case when is_live and event = 'offer_made' and via = 'upsell' then 1 end as upsells_offered,
        case when is_live and is_decided and result = 'ACCEPTED' and via = 'upsell' then 1 end as upsells_accepted,
        case when is_live and event = 'subscription_started' then 1 end as subscriptions_started,
        case when is_live and is_ended then 1 end as subscriptions_ended,
        case when is_live and event = 'trial_converted' then 1 end as trials_converted,
        case when is_live and is_lapsed_trial then 1 end as trials_lapsed,
        -- who cancels and runs out in one period leaves once
        case when is_live and is_churned then row(user_id, product_id) end as leaving
    from (
        select
            *,
            event = 'offer_result' and coalesce(result in ('ACCEPTED', 'DECLINED'), false) as is_decided,
            product_type <> 'SUBSCRIPTION' as is_one_time
        from placed
    )

),

counted as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        case when grouping(product_id) = 0 then product_id else 'all' end as product_id,
        case when grouping(product_type) = 0 then product_type else 'all' end as product_type,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
        count(event_at) as record_count,
        count(purchases) as purchases,
        count(offer_impressions) as offer_impressions,
        count(one_time_offers) as one_time_offers,
        count(subscription_offers) as subscription_offers,
        count(subscriptions_by_offer) as subscriptions_by_offer,
        count(upsell_impressions) as upsell_impressions,
        count(upsells_offered) as upsells_offered,
        count(upsells_accepted) as upsells_accepted,
        count(subscriptions_started) as subscriptions_started,
        count(subscriptions_ended) as subscriptions_ended,
        count(trials_converted) as trials_converted,
        count(trials_lapsed) as trials_lapsed,
        count(distinct leaving) as subscriptions_left
    from flagged
    group by
        skill_id, stage,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale)),
        grouping sets ((), (product_type), (product_type, product_id))

),

-- How many are active is what ever began less what ever ended, of all time.
flows as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        case when grouping(product_id) = 0 then product_id else 'all' end as product_id,
        case when grouping(product_type) = 0 then product_type else 'all' end as product_type,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
        cast(sum(active_change) as bigint) as active_change,
        cast(sum(paid_change) as bigint) as paid_change
    from timed
    where is_current
    group by
        skill_id, stage,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale)),
        grouping sets ((), (product_type), (product_type, product_id))

),

stocks as (

    select
        * exclude (active_change),
        cast(sum(active_change) over so_far as bigint) as active,
        cast(sum(paid_change) over so_far as bigint) as paid
    from flows
    window so_far as (
        partition by skill_id, stage, locale, product_id, product_type, grain order by period_start
    )

),

stocked as (

    select
        counted.*,
        coalesce(stocks.active, 0) as active_subscriptions,
        coalesce(stocks.paid - stocks.paid_change, 0) as paid_at_start
    from counted
    left join stocks using (skill_id, stage, locale, product_id, product_type, grain, period_start)
    where period_start is not null and locale is not null and product_type is not null

),

rated as (

    select
        *,
        subscriptions_by_offer / nullif(subscription_offers, 0) as offer_conversion_rate,
        upsells_offered / nullif(upsell_impressions, 0) as upsell_to_offer_conversion,
        purchases / nullif(one_time_offers, 0) as offer_to_purchase_conversion,
        upsells_accepted / nullif(upsell_impressions, 0) as upsell_to_purchase_conversion,
        trials_converted / nullif(trials_converted + trials_lapsed, 0) as trial_to_paid_rate,
        subscriptions_left / nullif(paid_at_start, 0) as churn_rate,
        (select max(landing) from records) as landing
    from stocked

)

select * from rated
