-- Proves that every landed event is counted once, from staging to each grain, as is every instant of a reputation rate,
-- and that every open and click has its flags.
-- Of what landing wrote, which says of a version whether it is the first of its record.
{{ config(enabled=project_name == 'touchstone') }}

with

landed as (

    select count(*) as records from {{ ref('stg_ses__events') }} where not is_revision

),

current_events as (

    select
        count(*) as records,
        count(case when event in ('open', 'click') then message_id end) as engagements
    from {{ ref('int_ses__events') }}
    where is_current

),

engagements as (

    select count(*) as records from {{ ref('int_ses__engagements') }}

),

datapoints as (

    -- both rates of an instant are one record, as are those of several regions
    select count(distinct row(account_id, dimensions, period_at)) as records
    from {{ ref('int_ses__datapoints') }}
    where is_current and namespace = 'AWS/SES' and starts_with(metric_name, 'Reputation.')

),

counted as (

    select
        coalesce(sum(record_count) filter (where grain = 'hour'), 0) as of_hours,
        coalesce(sum(record_count) filter (where grain = 'day'), 0) as of_days,
        coalesce(sum(record_count) filter (where grain = 'month'), 0) as of_months
    from {{ ref('int_ses__metrics_by_period') }}
    where dimension = 'all'

)

select
    landed.records as landed,
    current_events.records as current_events,
    datapoints.records as datapoints,
    counted.of_hours,
    counted.of_days,
    counted.of_months,
    current_events.engagements,
    engagements.records as engagements_with_flags
from landed
cross join current_events
cross join engagements
cross join datapoints
cross join counted
where
    landed.records <> current_events.records
    or landed.records + datapoints.records <> counted.of_hours
    or landed.records + datapoints.records <> counted.of_days
    or landed.records + datapoints.records <> counted.of_months
    or current_events.engagements <> engagements.records
