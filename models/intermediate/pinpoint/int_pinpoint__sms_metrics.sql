-- Grain: one grain (hour, day, month), period and activity with at least one SMS event.
{{ config(materialized='table', tags='published') }}

with

messages as (

    select
        application_id,
        journey_id,
        journey_name,
        activity_id,
        activity_name,
        grain,
        period_start,
        sms_messages_sent as messages_sent,
        sms_deliveries as deliveries,
        sms_failures as failures,
        sms_spend_usd as spend_usd,
        -- a journey that turns out to be a test leaves no row behind
        greatest(load_id, (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})) as load_id
    from {{ ref('int_pinpoint__messages_by_period') }}
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)
    left join {{ ref('int_pinpoint__journey_names') }} using (application_id, journey_id)
    left join {{ ref('int_pinpoint__activity_names') }} using (application_id, journey_id, activity_id)
    where sms_record_count > 0

)

select * from messages
