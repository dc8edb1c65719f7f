-- Grain: one counter of a journey or an activity at one instant of a snapshot: its own, or (`of_runs`) that of its runs
-- added up.
-- Pinpoint's counters count since the start; `increase` is what was added since the instant before. Once reported, a
-- counter has a row at each of its subject's instants, and rows only ever change, whatever arrives.
{{ config(unique_key=['application_id', 'journey_id', 'activity_id', 'of_runs', 'counter', 'counted_at']) }}

with

snapshots as not materialized {{ read(ref('int_pinpoint__snapshots')) }},

changed as (

    select distinct application_id, journey_id from snapshots where is_changed

),

-- A subject is a journey, an activity, or either of them in one run.
changed_snapshots as (

    select snapshots.*
    from snapshots
    semi join changed using (application_id, journey_id)

),

first_reports as (

    select
        application_id,
        journey_id,
        activity_id,
        run_id,
        counter,
        min(counted_at) as first_at
    from (select *, unnest(map_keys(counters)) as counter from changed_snapshots)
    group by application_id, journey_id, activity_id, run_id, counter

),

reported_values as (

    select
        changed_snapshots.application_id,
        changed_snapshots.journey_id,
        changed_snapshots.activity_id,
        changed_snapshots.run_id,
        changed_snapshots.activity_type,
        first_reports.counter,
        changed_snapshots.counted_at,
        coalesce(changed_snapshots.counters[first_reports.counter], 0) as value
    from changed_snapshots
    inner join first_reports using (application_id, journey_id, activity_id, run_id)
    where changed_snapshots.is_current and changed_snapshots.counted_at >= first_reports.first_at

),

increases as (

    select
        *,
        value - coalesce(
            lag(value) over (
                partition by application_id, journey_id, activity_id, run_id, counter order by counted_at
            ),
            0
        ) as increase
    from reported_values

),

by_subject as (

    select
        application_id,
        journey_id,
        activity_id,
        activity_type,
        false as of_runs,
        counter,
        counted_at,
        value,
        increase
    from increases
    where run_id = 'all'

    union all by name

    -- all runs together: at each instant the sum of what each run last reported
    select
        application_id,
        journey_id,
        activity_id,
        max(activity_type) as activity_type,
        true as of_runs,
        counter,
        counted_at,
        sum(sum(increase)) over (
            partition by application_id, journey_id, activity_id, counter order by counted_at
        ) as value,
        sum(increase) as increase
    from increases
    where run_id <> 'all'
    group by application_id, journey_id, activity_id, counter, counted_at

),

facts as (

    select
        * replace (cast(value as bigint) as value, cast(increase as bigint) as increase),
        -- how many are in a journey, or wait, may fall; all other counters only count up
        increase < 0 and counter not in ('ENDPOINT_ACTIVE', 'WAIT_STARTED') as has_shrunk
    from by_subject

)

{{ changed_facts(['application_id', 'journey_id', 'activity_id', 'of_runs', 'counter', 'counted_at']) }}
