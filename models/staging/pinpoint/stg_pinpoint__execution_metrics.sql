-- Grain: one landed version of the execution metrics of a journey, an activity, a run or a run's activity.
with

source as (

    select * from {{ source('pinpoint', 'execution_metrics') }}

),

renamed as (

    select
        _key as snapshot_key,
        _record_id as version_id,
        _date as counted_on,
        _kind as scope,
        _at as counted_at,
        try_cast(fetched_at as timestamptz) at time zone 'UTC' as fetched_at,
        "ApplicationId" as application_id,
        "JourneyId" as journey_id,
        coalesce(nullif("JourneyActivityId", ''), 'all') as activity_id,
        coalesce(nullif("RunId", ''), 'all') as run_id,
        nullif("ActivityType", '') as activity_type,
        cast("Metrics" as map(varchar, bigint)) as counters,
        _file as file,
        _is_repeat as is_revision,
        _landing as load_id
    from source

)

select * from renamed
