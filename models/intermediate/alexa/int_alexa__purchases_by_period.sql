-- Grain: one grain (hour, day, month), period, skill, stage, locale, product and its type, of which the last three
-- may be `all`. Every metric of in-skill purchasing is defined here and nowhere else.
{{ config(database='touchstone', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

events as not materialized (

    select * from {{ read(ref('int_alexa__subscription_states')) }}
    union all by name
    select * from {{ read(ref('int_alexa__purchase_log')) }} where not is_of_subscription

),

-- What lands may change how many subscriptions are active from then on, and until when days have a row.
changes as (

    select
        skill_id,
        stage,
        least(
            min(case when is_changed then happened_at end),
            max(case when not is_changed and is_current then happened_at end)
        ) as since,
        max(happened_at) as until,
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
        happened_at as event_at,
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
        -- Who cancels and runs out in one period leaves once. Who began in it is not among those who were there.
        case when date_trunc('hour', churned_since) < hour_start then row(user_id, product_id) end as left_in_hour,
        case when {{ reporting_date('churned_since') }} < day_start then row(user_id, product_id) end as left_on_day,
        case when {{ reporting_date('churned_since') }} < month_start then row(user_id, product_id) end as left_in_month
    from (
        select
            *,
            event = 'offer_result' and coalesce(result in ('ACCEPTED', 'DECLINED'), false) as is_decided,
            product_type <> 'SUBSCRIPTION' as is_one_time
        from bucketed
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
        case grouping(hour_start, day_start)
            when 1 then count(distinct left_in_hour)
            when 2 then count(distinct left_on_day)
            else count(distinct left_in_month)
        end as subscriptions_left
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
    where is_current and (active_change <> 0 or paid_change <> 0)
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

-- Every period from what changed to the last event, of every product that has had a subscription by then.
periods as (

    select
        skill_id,
        stage,
        grain,
        period_start
    from counted
    where locale = 'all' and product_type = 'all' and period_start is not null
    qualify period_start <= max(case when record_count > 0 then period_start end) over (
        partition by skill_id, stage, grain
    )

),

subscribed as (

    select distinct skill_id, stage, locale, product_id, product_type, grain from flows

),

stocked as (

    select
        periods.*,
        stocks.* exclude (skill_id, stage, grain, period_start, paid_change),
        case when stocks.period_start = periods.period_start then paid - paid_change else paid end as paid_at_start
    from periods
    inner join subscribed using (skill_id, stage, grain)
    asof inner join stocks
        on
            subscribed.skill_id = stocks.skill_id
            and subscribed.stage = stocks.stage
            and subscribed.locale = stocks.locale
            and subscribed.product_id = stocks.product_id
            and subscribed.product_type = stocks.product_type
            and subscribed.grain = stocks.grain
            and periods.period_start >= stocks.period_start

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
            columns(counted.* exclude (skill_id, stage, locale, product_id, product_type, grain, period_start)), 0
        ),
        coalesce(active, 0) as active_subscriptions,
        coalesce(paid_at_start, 0) as paid_at_start,
        -- 24 rows a day would say the same
        active is not null and grain <> 'hour' as has_state
    from counted
    full join stocked using (skill_id, stage, locale, product_id, product_type, grain, period_start)
    where
        period_start is not null and locale is not null and product_type is not null
        and (counted.record_count is not null or grain <> 'hour')

),

rated as (

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

select * from rated
