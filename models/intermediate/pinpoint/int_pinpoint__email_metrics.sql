-- Grain: one grain (hour, day, month), period and activity with at least one email event.
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
        email_messages_sent as messages_sent,
        email_deliveries as deliveries,
        email_opens as opens,
        email_clicks as clicks,
        email_soft_bounced as soft_bounced,
        email_hard_bounced as hard_bounced,
        email_unsubscribed as unsubscribed,
        email_complained as complained,
        email_rejected as rejected,
        -- a journey that turns out to be a test leaves no row behind
        greatest(load_id, (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})) as load_id
    from {{ ref('int_pinpoint__messages_by_period') }}
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)
    left join {{ ref('int_pinpoint__journey_names') }} using (application_id, journey_id)
    left join {{ ref('int_pinpoint__activity_names') }} using (application_id, journey_id, activity_id)
    where email_record_count > 0

)

select * from messages
