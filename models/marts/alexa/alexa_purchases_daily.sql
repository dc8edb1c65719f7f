-- Grain: one day, skill, stage, locale, product id and product type with at least one event of purchasing.
with

metrics as (

    select * from {{ ref('int_alexa__purchases_by_period') }}

)

select
    skill_id,
    stage,
    locale,
    product_id,
    product_type,
    cast(period_start as date) as period_start,
    purchases,
    offer_impressions,
    offer_conversion_rate,
    upsell_to_offer_conversion,
    offer_to_purchase_conversion,
    upsell_to_purchase_conversion,
    subscriptions_started,
    subscriptions_ended,
    active_subscriptions,
    trial_to_paid_rate,
    churn_rate
from metrics
where grain = 'day' and record_count > 0
