-- Grain: one landed version of one of Amazon's own numbers: a metric of a skill in one span of time, as its Metrics API
-- reports it. Answers of both of the API's versions look the same from here on.
with

source as (

    select * from {{ source('alexa', 'smapi_metrics') }}

),

-- version 1: one metric, the query's parameters and two parallel lists
first_version as (

    select
        _record_id as call_id,
        _at as fetched_at,
        skill_id,
        upper(query ->> '$.skillType') as reported_namespace,
        response ->> '$.metric' as metric,
        upper(query ->> '$.period') as period,
        query ->> '$.startTime' as asked_from,
        query ->> '$.endTime' as asked_until,
        query ->> '$.stage' as stage,
        query ->> '$.locale' as locale,
        -- a number of one intent is not the skill's
        case when query ->> '$.intent' <> '' then 'intent' end as grouped_by,
        query ->> '$.intent' as group_value,
        json_extract(response, '$.timestamps[*]') as timestamps,
        json_extract(response, '$.values[*]') as numbers,
        _landing as landing
    from source

),

-- version 2: several metrics, each answer beside its query by id, and several groups in it
answers as (

    select
        *,
        unnest(json_extract(response, '$.results[*]')) as answer
    from source

),

queried as (

    select
        *,
        coalesce(
            list_filter(
                json_extract(query, '$.metricQueries[*]'), lambda q: (q ->> '$.id') = (answer ->> '$.id')
            )[1],
            query
        ) as metric_query,
        json_extract(metric_query, '$.dimensions[*]') as dimensions,
        unnest(json_extract(answer, '$.data[*]')) as series
    from answers

),

second_version as (

    select
        _record_id as call_id,
        _at as fetched_at,
        skill_id,
        coalesce(answer ->> '$.metricNamespace', metric_query ->> '$.metricNamespace') as reported_namespace,
        coalesce(answer ->> '$.name', metric_query ->> '$.name') as metric,
        upper(metric_query ->> '$.aggregationPeriod') as period,
        query ->> '$.startTime' as asked_from,
        query ->> '$.endTime' as asked_until,
        list_filter(dimensions, lambda d: (d ->> '$.name') = 'Alexa.Stage')[1] ->> '$.value' as stage,
        list_filter(dimensions, lambda d: (d ->> '$.name') = 'Alexa.Locale')[1] ->> '$.value' as locale,
        coalesce(series ->> '$.groupedBy.groupedByField', metric_query ->> '$.groupBy') as grouped_by,
        series ->> '$.groupedBy.groupedByValue' as group_value,
        json_extract(series, '$.timestamps[*]') as timestamps,
        json_extract(series, '$.values[*]') as numbers,
        _landing as landing
    from queried
    -- averages and percentiles of these are none of the metrics
    where coalesce(lower(coalesce(answer ->> '$.stat', metric_query ->> '$.stat')), 'count') in ('count', 'sum')

),

points as (

    select
        * exclude (timestamps, numbers),
        unnest(timestamps) ->> '$' as "timestamp",
        try_cast(unnest(numbers) as double) as reported_value
    from (
        select * from first_version
        union all by name
        select * from second_version
    )

),

timed as (

    select
        *,
        coalesce(
            try_cast("timestamp" as timestamptz) at time zone 'UTC',
            case
                when try_cast("timestamp" as decimal(20, 3)) between 0 and 253402300799999
                    then make_timestamp(cast(try_cast("timestamp" as decimal(20, 3)) * 1000 as bigint))
            end
        ) as starts_at,
        coalesce(
            try_cast(asked_from as timestamptz) at time zone 'UTC',
            make_timestamp(try_cast(asked_from as bigint) * 1000)
        ) as asked_from_at,
        coalesce(
            try_cast(asked_until as timestamptz) at time zone 'UTC',
            make_timestamp(try_cast(asked_until as bigint) * 1000)
        ) as asked_until_at
    from points

),

spanned as (

    select
        call_id,
        fetched_at,
        skill_id,
        coalesce(nullif(stage, ''), 'none') as stage,
        -- none said: of all locales
        coalesce(nullif(locale, ''), case when grouped_by = 'Alexa.Locale' then group_value end, 'all') as locale,
        reported_namespace,
        metric,
        nullif(grouped_by, 'Alexa.Locale') as grouped_by,
        case when grouped_by <> 'Alexa.Locale' then group_value end as group_value,
        case when period = 'SINGLE' then coalesce(asked_from_at, starts_at) else starts_at end as starts_at,
        case
            when period in ('PT15M', 'BY_15') then starts_at + interval 15 minutes
            when period in ('PT1H', 'BY_HOUR') then starts_at + interval 1 hour
            when period in ('P1D', 'BY_DAY') then starts_at + interval 1 day
            when period = 'BY_WEEK' then starts_at + interval 7 days
            when period = 'SINGLE' then asked_until_at
        end as ends_at,
        reported_value,
        landing
    from timed

)

select *
from spanned
where ends_at > starts_at and reported_value is not null
