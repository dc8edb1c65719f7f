-- Grain: one event of in-skill purchasing, and what it counts for: 1, or NULL, which count() passes over.
{{ config(materialized='view') }}

with

events as (

    select
        *,
        event = 'offer_result' and coalesce(result in ('ACCEPTED', 'DECLINED'), false) as is_decided,
        product_type <> 'SUBSCRIPTION' as is_one_time
    from (
        select * from {{ ref('int_alexa__subscription_states') }}
        union all by name
        select * from {{ ref('int_alexa__purchase_log') }} where not is_of_subscription
    )

),

event_flags as (

    select
        fact_id,
        skill_id,
        stage,
        locale,
        user_id,
        product_id,
        product_type,
        happened_at as event_at,
        active_change,
        churned_since,
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
        is_current,
        load_id
    from events

)

select * from event_flags
