-- Grain: one landed version of a CloudWatch datapoint.
with

source as (

    select
        *,
        list_sort(map_entries(coalesce(try_cast(dimensions as map(varchar, varchar)), map {}))) as sorted_dimensions,
        try_cast("value" as map(varchar, double)) as statistics
    from {{ source('cloudwatch', 'metric_stream') }}

),

renamed as (

    select
        {{ landed_columns(key='datapoint_key', at='period_at') }},
        coalesce(nullif(account_id, ''), 'none') as account_id,
        coalesce(nullif(region, ''), 'none') as region,
        namespace,
        metric_name,
        array_to_string(list_transform(sorted_dimensions, lambda d: d.key), ',') as dimension_set,
        cast(to_json(map_from_entries(sorted_dimensions)) as varchar) as dimensions,
        statistics['count'] as sample_count,
        statistics['sum'] as sum,
        statistics['min'] as minimum,
        statistics['max'] as maximum,
        -- percentiles and the like, which can't be rolled up
        nullif(
            map_from_entries(list_filter(
                map_entries(statistics), lambda s: s.key not in ('count', 'sum', 'min', 'max')
            )),
            map {}
        ) as extra_statistics,
        coalesce(nullif(unit, ''), 'None') as unit
    from source

)

select * from renamed
