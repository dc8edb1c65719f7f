-- Proves that every landed event is counted once, from staging to each grain, and that every open and click has a flag.
-- Of what landing wrote, which says of a version whether it is the first of its record.
{{ config(enabled=project_name == 'touchstone') }}

with

landed as (

    select count(*) as records from {{ ref('stg_mailgun__events') }} where not is_revision

),

current_events as (

    select
        count(*) as records,
        count(engagement_key) as engagements
    from {{ ref('int_mailgun__events') }}
    where is_current

),

engagements as (

    select count(*) as records from {{ ref('int_mailgun__engagements') }}

),

counted as (

    select
        coalesce(sum(record_count) filter (where grain = 'hour'), 0) as of_hours,
        coalesce(sum(record_count) filter (where grain = 'day'), 0) as of_days,
        coalesce(sum(record_count) filter (where grain = 'month'), 0) as of_months
    from {{ ref('int_mailgun__metrics_by_period') }}
    where dimension = 'all'

)

select
    landed.records as landed,
    current_events.records as current_events,
    counted.of_hours,
    counted.of_days,
    counted.of_months,
    current_events.engagements,
    engagements.records as engagements_with_flags
from landed
cross join current_events
cross join engagements
cross join counted
where
    landed.records <> current_events.records
    or landed.records <> counted.of_hours
    or landed.records <> counted.of_days
    or landed.records <> counted.of_months
    or current_events.engagements <> engagements.records
