-- Grain: one instant of the reputation rates of an account or configuration set, and `is_current`.
-- Amazon divides by a volume it doesn't publish, so that these rates can be landed only. They are an account's, without
-- dimensions, or a configuration set's. Where an account sends from several regions, the highest of an instant. What a
-- rate was in the end of an hour in which it changed is not known.
{{ config(materialized='view') }}

with

datapoints as (

    select
        *,
        coalesce(json_extract_string(dimensions, '$."ses:configuration-set"'), 'none') as configuration_set
    from {{ ref('int_ses__datapoints') }}
    where namespace = 'AWS/SES' and dimension_set in ('', 'ses:configuration-set') and not is_varied

),

reputation as (

    select
        account_id,
        configuration_set,
        period_at as event_at,
        max(maximum) filter (where metric_name = 'Reputation.BounceRate') as reputation_bounce,
        max(maximum) filter (where metric_name = 'Reputation.ComplaintRate') as reputation_complaint,
        is_current,
        max(load_id) as load_id
    from datapoints
    where metric_name in ('Reputation.BounceRate', 'Reputation.ComplaintRate')
    group by account_id, configuration_set, period_at, is_current

)

select * from reputation
