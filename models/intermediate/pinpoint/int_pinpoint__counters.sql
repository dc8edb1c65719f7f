-- Grain: one counter of a journey or an activity at one instant that it was told for: its own, or (`of_runs`) that of
-- its runs added up.
-- Pinpoint's counters count since the start and leave out what is 0. `increase` is what was added since the instant
-- before. Once told a counter has a row at each of its subject's instants, and rows only ever change, whatever arrives.
{{ config(unique_key=['application_id', 'journey_id', 'activity_id', 'of_runs', 'counter', 'counted_at']) }}

with

snapshots as not materialized (

    select * from {{ read(ref('stg_pinpoint__execution_metrics')) }}

),

runs as not materialized (

    select * from {{ read(ref('stg_pinpoint__journey_runs')) }}

),

changed as (

    select application_id, journey_id from snapshots where is_changed
    union
    select application_id, journey_id from runs where is_changed

),

told as (

    select
        *,
        case
            when scope in ('journey', 'run') then scope
            when
                activity_type in (
                    'CONTACT_CENTER', 'WAIT', 'CONDITIONAL_SPLIT', 'MULTI_CONDITIONAL_SPLIT', 'RANDOM_SPLIT', 'HOLDOUT'
                )
                then activity_type
            else 'MESSAGE'
        end as subject_type,
        -- What a version says decides which counts, never when it arrived: the one fetched last.
        row_number() over (
            partition by snapshot_key order by fetched_at desc nulls last, cast(counters as varchar), activity_type
        ) = 1 as is_current
    from snapshots
    semi join changed using (application_id, journey_id)

),

-- What is 0 where it is left out. Of a split's further paths, and of what Amazon may add, nothing is known before it is
-- told.
known as (

    select
        unnest([
            'journey', 'run', 'MESSAGE', 'CONTACT_CENTER', 'WAIT', 'CONDITIONAL_SPLIT', 'MULTI_CONDITIONAL_SPLIT',
            'RANDOM_SPLIT', 'HOLDOUT'
        ]) as subject_type,
        unnest([
            ['ENDPOINT_ACTIVE', 'ENDPOINT_LEFT', 'ENDPOINT_ENTERED', 'REENTRY_CAP_EXCEEDED'],
            ['ENDPOINT_ACTIVE', 'ENDPOINT_LEFT', 'ENDPOINT_ENTERED', 'REENTRY_CAP_EXCEEDED'],
            [
                'SUCCESS', 'DAILY_CAP_EXCEEDED', 'FAILURE_PERMANENT', 'QUIET_TIME', 'SERVICE_FAILURE', 'THROTTLED',
                'TRANSIENT_FAILURE', 'UNKNOWN'
            ],
            ['TRANSIENT_FAILURE', 'SERVICE_FAILURE', 'DIAL_FAILURE', 'DROPPED'],
            ['WAIT_FINISHED', 'WAIT_SKIPPED', 'WAIT_STARTED'],
            ['Branch_TRUE', 'Branch_FALSE'],
            ['Branch_1'],
            ['Branch_1'],
            ['HOLDOUT', 'PASSED']
        ]) as counters

),

names as (

    select
        application_id,
        journey_id,
        activity_id,
        run_id,
        counter,
        min(counted_at) as first_at
    from (
        select
            told.*,
            unnest(list_distinct(list_concat(map_keys(told.counters), known.counters))) as counter
        from told
        left join known using (subject_type)
    )
    group by application_id, journey_id, activity_id, run_id, counter

),

-- A subject is a journey, an activity, or either of them in one run.
levels as (

    select
        told.application_id,
        told.journey_id,
        told.activity_id,
        told.run_id,
        told.activity_type,
        names.counter,
        told.counted_at,
        coalesce(told.counters[names.counter], 0) as level
    from told
    inner join names using (application_id, journey_id, activity_id, run_id)
    where told.is_current and told.counted_at >= names.first_at

),

steps as (

    select
        *,
        level - coalesce(
            lag(level) over (
                partition by application_id, journey_id, activity_id, run_id, counter order by counted_at
            ),
            0
        ) as step
    from levels

),

-- A list in several answers is told in parts: a run has started once any of them says so.
started as (

    select
        application_id,
        journey_id,
        counted_at,
        count(run_id) as runs
    from (
        select
            application_id,
            journey_id,
            run_id,
            min(fetched_at) as counted_at
        from (
            select application_id, journey_id, fetched_at, unnest(started_runs) as run_id
            from runs
        )
        group by application_id, journey_id, run_id
        union all by name
        select distinct application_id, journey_id, fetched_at as counted_at from runs
    )
    semi join changed using (application_id, journey_id)
    group by application_id, journey_id, counted_at

),

refreshed as (

    -- the first run is the start, not a refresh
    select
        application_id,
        journey_id,
        counted_at,
        greatest(sum(runs) over (partition by application_id, journey_id order by counted_at) - 1, 0) as refreshes
    from started

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
        level as value,
        step as increase
    from steps
    where run_id = 'all'

    union all by name

    -- all runs together: at each instant the sum of what each was told last
    select
        application_id,
        journey_id,
        activity_id,
        max(activity_type) as activity_type,
        true as of_runs,
        counter,
        counted_at,
        sum(sum(step)) over (
            partition by application_id, journey_id, activity_id, counter order by counted_at
        ) as value,
        sum(step) as increase
    from steps
    where run_id <> 'all'
    group by application_id, journey_id, activity_id, counter, counted_at

),

counted as (

    select * from by_subject

    union all by name

    -- all activities together, of what the journey is told of them
    select
        application_id,
        journey_id,
        'all' as activity_id,
        of_runs,
        'ACTIVITIES_' || counter as counter,
        counted_at,
        sum(sum(increase)) over (
            partition by application_id, journey_id, of_runs, counter order by counted_at
        ) as value,
        sum(increase) as increase
    from by_subject
    where
        activity_id <> 'all'
        and (
            counter in ('DAILY_CAP_EXCEEDED', 'QUIET_TIME')
            or activity_type = 'CONTACT_CENTER' and counter = 'DROPPED'
        )
    group by application_id, journey_id, of_runs, counter, counted_at

    union all by name

    select
        application_id,
        journey_id,
        'all' as activity_id,
        false as of_runs,
        'REFRESHES' as counter,
        counted_at,
        refreshes as value,
        refreshes - coalesce(
            lag(refreshes) over (partition by application_id, journey_id order by counted_at), 0
        ) as increase
    from refreshed

),

facts as (

    select
        application_id,
        journey_id,
        activity_id,
        activity_type,
        of_runs,
        counter,
        counted_at,
        cast(value as bigint) as value,
        cast(increase as bigint) as increase,
        -- how many are in a journey, or wait, may fall; all others only ever count up
        increase < 0 and counter not in ('ENDPOINT_ACTIVE', 'WAIT_STARTED') as has_shrunk
    from counted

)

{{ changed_facts(['application_id', 'journey_id', 'activity_id', 'of_runs', 'counter', 'counted_at']) }}
