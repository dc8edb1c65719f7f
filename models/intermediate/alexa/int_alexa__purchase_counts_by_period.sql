-- Grain: one grain (hour, day, month), period, skill, stage, locale, product and its type, of which the last three
-- may be `all`. Counts events of in-skill purchasing. A day on which only the number of subscriptions may have changed
-- has a row of 0 events.
{{ config(unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

events as not materialized {{ read(ref('int_alexa__purchase_flags')) }},

-- What lands may change how many subscriptions are active from then on, and until when days have a row.
changes as (

    select
        skill_id,
        stage,
        least(
            min(case when is_changed then event_at end),
            max(case when not is_changed and is_current then event_at end)
        ) as since,
        max(event_at) as until,
        bool_or(active_change <> 0) as has_subscriptions
    from events
    group by skill_id, stage
    having bool_or(is_changed)

),

-- A day without an event has the subscriptions of the day before.
quiet_days as (

    select
        skill_id,
        stage,
        since,
        {{ reporting_instant("unnest(generate_series(
            " ~ reporting_date('since') ~ ", " ~ reporting_date('until') ~ ", interval 1 day
        ))") }} as event_at,
        false as is_current
    from changes
    where has_subscriptions

),

records as not materialized (

    select
        events.*,
        changes.since
    from events
    inner join changes using (skill_id, stage)

    union all by name

    select * from quiet_days

),

changed as (

    select distinct skill_id, stage, event_at from records where event_at >= since

),

{{ changed_periods(['skill_id', 'stage'], 'changed') }},

-- Who cancels and runs out in one period leaves once. Who began in it is not among those who were there.
-- A row for each grain: a distinct count for each, in every grouping set, takes longer to plan than to run.
by_grain as (

    select
        *,
        case when paid_since < period_start then row(user_id, product_id) end as left_subscription
    from (
        select
            *,
            unnest(['hour', 'day', 'month']) as grain,
            unnest([hour_start, day_start, month_start]) as period_start,
            unnest([
                date_trunc('hour', churned_since),
                {{ reporting_date('churned_since') }},
                {{ reporting_date('churned_since') }}
            ]) as paid_since
        from bucketed
    )
    where period_start is not null

),

counted as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        case when grouping(product_id) = 0 then product_id else 'all' end as product_id,
        case when grouping(product_type) = 0 then product_type else 'all' end as product_type,
        grain,
        period_start,
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
        count(distinct left_subscription) as subscriptions_left
    from by_grain
    group by
        skill_id, stage, grain, period_start,
        grouping sets ((), (locale)),
        grouping sets ((), (product_type), (product_type, product_id))

),

counts_by_period as (

    select
        *,
        {{ load_id() }} as load_id
    from counted
    where locale is not null and product_type is not null

)

select * from counts_by_period
