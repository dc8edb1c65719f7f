-- Grain: one month, skill, stage, locale, product id and product type with at least one event of purchasing.
with

metrics as (

    select * from {{ ref('int_alexa__purchases_by_period') }}

)

select
    * exclude (
        grain, record_count, one_time_offers, subscription_offers, subscriptions_by_offer,
        upsell_impressions, upsells_offered, upsells_accepted, trials_converted, trials_lapsed,
        subscriptions_left, paid_at_start, landing
    )
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month' and record_count > 0
