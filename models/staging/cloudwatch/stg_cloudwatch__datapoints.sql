-- Grain: one landed version of a CloudWatch datapoint.
with

source as (

    select
        *,
        list_sort(list_zip(json_keys(dimensions), dimensions ->> '$.*')) as sorted_dimensions,
        json_transform("value", '{"count": "DOUBLE", "sum": "DOUBLE", "min": "DOUBLE", "max": "DOUBLE"}') as statistics
    from {{ landed('cloudwatch', 'metric_stream') }}

),

renamed as (

    select
        {{ landed_columns(key='datapoint_key', at='period_at') }},
        coalesce(nullif(account_id, ''), 'none') as account_id,
        coalesce(nullif(region, ''), 'none') as region,
        namespace,
        metric_name,
        coalesce(array_to_string(list_sort(json_keys(dimensions)), ','), '') as dimension_set,
        coalesce(cast(to_json(map_from_entries(sorted_dimensions)) as varchar), '{}') as dimensions,
        statistics.count as sample_count,
        statistics.sum,
        statistics.min as minimum,
        statistics.max as maximum,
        -- percentiles and the like, which can't be rolled up
        case
            when len(json_keys("value")) > 4
                then nullif(
                    map_from_entries(list_filter(
                        map_entries(try_cast("value" as map(varchar, double))),
                        lambda s: s.key not in ('count', 'sum', 'min', 'max')
                    )),
                    map {}
                )
        end as extra_statistics,
        coalesce(nullif(unit, ''), 'None') as unit,
        cast(coalesce(period, 60) // 60 as integer) as period_minutes,
        coalesce(period > 60 and minimum < maximum, false) as is_varied
    from source

)

select * from renamed
