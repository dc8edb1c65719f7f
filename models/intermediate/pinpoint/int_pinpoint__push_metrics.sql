-- Grain: one grain (hour, day, month), period and push activity with at least one send, notification or fetch of its
-- definition. The time to live is as it stood at the period's end.
{{ config(materialized='view', database='touchstone') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__activity_definitions') }}

),

messages as (

    select * from {{ ref('int_pinpoint__messages_by_period') }} where push_record_count > 0

),

periods as (

    select application_id, journey_id, activity_id, grain, period_start from messages
    union
    select application_id, journey_id, activity_id, grain, period_start
    from {{ ref('int_pinpoint__fetches_by_period') }}
    where activity_type = 'PUSH'

),

ended as (

    select
        *,
        {{ period_end('grain', 'period_start') }} as period_end
    from periods
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

joined as (

    select
        ended.application_id,
        ended.journey_id,
        ended.activity_id,
        ended.grain,
        ended.period_start,
        coalesce(messages.push_messages_sent, 0) as messages_sent,
        coalesce(messages.push_deliveries, 0) as deliveries,
        coalesce(messages.push_opens, 0) as opens,
        definitions.time_to_live_seconds,
        greatest(messages.landing, (select max(landing) from {{ ref('int_pinpoint__journey_definitions') }})) as landing
    from ended
    left join messages using (application_id, journey_id, activity_id, grain, period_start)
    asof left join definitions
        on
            ended.application_id = definitions.application_id
            and ended.journey_id = definitions.journey_id
            and ended.activity_id = definitions.activity_id
            and ended.period_end > definitions.valid_from

)

select * from joined
