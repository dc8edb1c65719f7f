-- Grain: one grain (hour, day, month) and activity ('all' of the journey itself) with events, and the first and last
-- period with events of its project: within them a count without an event is 0, outside it isn't known.
{{ config(materialized='view', tags='published') }}

with

messages as (

    select * from {{ ref('int_pinpoint__messages_by_period') }} where record_count > 0

),

projects as (

    select
        application_id,
        grain,
        min(period_start) as first_period,
        max(period_start) as last_period
    from messages
    group by application_id, grain

),

activities as (

    select distinct
        application_id,
        journey_id,
        unnest([activity_id, 'all']) as activity_id
    from messages

)

select *
from activities
inner join projects using (application_id)
