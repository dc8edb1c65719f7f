-- Grain: one landed version of one of Amazon's own numbers: a metric of a skill in one span of time, as its Metrics API
-- reports it. Answers of both of the API's versions look the same from here on.
with

source as (

    select * from {{ landed('alexa', 'smapi_metrics') }}

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
        _landing as load_id
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
        _landing as load_id
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
        -- landing writes RFC 3339; what landed before it did holds version 2's epoch milliseconds
        {% for text, instant in [
            ('"timestamp"', 'starts_at'), ('asked_from', 'asked_from_at'), ('asked_until', 'asked_until_at')
        ] -%}
        coalesce(
            try_cast({{ text }} as timestamptz) at time zone 'UTC',
            case
                when try_cast({{ text }} as bigint) between 946684800000 and 253402300799999
                    then make_timestamp(try_cast({{ text }} as bigint) * 1000)
            end
        ) as {{ instant }}{{ ',' if not loop.last }}
        {% endfor %}
    from points

),

spanned as (

    select
        call_id,
        fetched_at,
        skill_id,
        -- none asked for: of the skill that customers have, and of all locales
        lower(coalesce(nullif(stage, ''), case when grouped_by = 'Alexa.Stage' then group_value end, 'live')) as stage,
        coalesce(nullif(locale, ''), case when grouped_by = 'Alexa.Locale' then group_value end, 'all') as locale,
        reported_namespace,
        metric,
        case when grouped_by not in ('Alexa.Locale', 'Alexa.Stage') then grouped_by end as grouped_by,
        case when grouped_by not in ('Alexa.Locale', 'Alexa.Stage') then group_value end as group_value,
        case when period = 'SINGLE' then coalesce(asked_from_at, starts_at) else starts_at end as starts_at,
        case
            when period in ('PT15M', 'BY_15') then starts_at + interval 15 minutes
            when period in ('PT1H', 'BY_HOUR') then starts_at + interval 1 hour
            when period in ('P1D', 'BY_DAY') then starts_at + interval 1 day
            when period = 'BY_WEEK' then starts_at + interval 7 days
            when period = 'SINGLE' then asked_until_at
        end as ends_at,
        reported_value,
        load_id
    from timed

)

select *
from spanned
where ends_at > starts_at and reported_value is not null
