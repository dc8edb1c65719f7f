-- Grain: one counter of a journey that Pinpoint doesn't report itself, at one instant: refreshes by its lists of runs,
-- and what its activities report added up (`of_runs`: what their runs report).
{{ config(unique_key=['application_id', 'journey_id', 'of_runs', 'counter', 'counted_at']) }}

with

counters as not materialized (

    select *
    from {{ read(ref('int_pinpoint__counters')) }}
    where
        activity_id <> 'all'
        and (
            counter in ('DAILY_CAP_EXCEEDED', 'QUIET_TIME')
            or activity_type = 'CONTACT_CENTER' and counter = 'DROPPED'
        )

),

runs as not materialized {{ read(ref('stg_pinpoint__journey_runs')) }},

changed as (

    select application_id, journey_id from counters where is_changed
    union
    select application_id, journey_id from runs where is_changed

),

-- A list may come in several answers: a run has started once any of them says so.
started_runs as (

    select
        application_id,
        journey_id,
        run_id,
        min(fetched_at) as counted_at
    from (select application_id, journey_id, fetched_at, unnest(started_runs) as run_id from runs)
    group by application_id, journey_id, run_id

),

started as (

    select
        application_id,
        journey_id,
        counted_at,
        count(run_id) as runs
    from (
        select * from started_runs
        union all by name
        select distinct application_id, journey_id, fetched_at as counted_at from runs
    )
    semi join changed using (application_id, journey_id)
    group by application_id, journey_id, counted_at

),

refreshes as (

    -- the first run is the start, not a refresh
    select
        application_id,
        journey_id,
        counted_at,
        greatest(sum(runs) over (partition by application_id, journey_id order by counted_at) - 1, 0) as value
    from started

),

counted as (

    select
        application_id,
        journey_id,
        of_runs,
        'ACTIVITIES_' || counter as counter,
        counted_at,
        sum(sum(increase)) over (
            partition by application_id, journey_id, of_runs, counter order by counted_at
        ) as value,
        sum(increase) as increase
    from counters
    semi join changed using (application_id, journey_id)
    group by application_id, journey_id, of_runs, counter, counted_at

    union all by name

    select
        application_id,
        journey_id,
        false as of_runs,
        'REFRESHES' as counter,
        counted_at,
        value,
        value - coalesce(lag(value) over (partition by application_id, journey_id order by counted_at), 0) as increase
    from refreshes

),

facts as (

    select
        application_id,
        journey_id,
        'all' as activity_id,
        of_runs,
        counter,
        counted_at,
        cast(value as bigint) as value,
        cast(increase as bigint) as increase,
        increase < 0 as has_shrunk
    from counted

)

{{ changed_facts(['application_id', 'journey_id', 'of_runs', 'counter', 'counted_at']) }}
