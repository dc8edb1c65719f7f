-- Grain: one grain (hour, day, month), period and push activity with at least one send, notification or fetch of its
-- definition. The time to live is that at the period's end. Counts are NULL where no events are known.
{{ config(materialized='table', tags='published') }}

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
        periods.*,
        {{ period_end('grain', 'period_start') }} as period_end,
        -- a count of no events: 0, or unknown
        case when period_start between first_period and last_period then 0 end as empty_count
    from periods
    left join {{ ref('int_pinpoint__event_spans') }} using (application_id, journey_id, activity_id, grain)
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

joined as (

    select
        ended.application_id,
        ended.journey_id,
        journey_names.journey_name,
        ended.activity_id,
        activity_names.activity_name,
        ended.grain,
        ended.period_start,
        coalesce(messages.push_messages_sent, ended.empty_count) as messages_sent,
        coalesce(messages.push_deliveries, ended.empty_count) as deliveries,
        coalesce(messages.push_opens, ended.empty_count) as opens,
        definitions.time_to_live_seconds,
        case
            when definitions.time_to_live_seconds is not null then 'set'
            when definitions.activity_id is not null then 'default'
            else 'unknown'
        end as time_to_live_status,
        greatest(messages.load_id, (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})) as load_id
    from ended
    left join messages using (application_id, journey_id, activity_id, grain, period_start)
    left join {{ ref('int_pinpoint__journey_names') }} as journey_names using (application_id, journey_id)
    left join {{ ref('int_pinpoint__activity_names') }} as activity_names
        using (application_id, journey_id, activity_id)
    asof left join definitions
        on
            ended.application_id = definitions.application_id
            and ended.journey_id = definitions.journey_id
            and ended.activity_id = definitions.activity_id
            and ended.period_end > definitions.valid_from

)

select * from joined
