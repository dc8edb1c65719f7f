-- Grain: one landed version of a CloudWatch datapoint of SES.
-- SES reads the stream by itself, so that what fails of another namespace's datapoints holds back nothing of SES.
with

source as (

    select
        *,
        list_sort(map_entries(coalesce(try_cast(dimensions as map(varchar, varchar)), map {}))) as sorted_dimensions,
        try_cast("value" as map(varchar, double)) as statistics
    from {{ source('cloudwatch', 'metric_stream') }}
    where namespace = 'AWS/SES'

),

renamed as (

    select
        {{ landed_columns(at='period_at') }},
        coalesce(nullif(account_id, ''), 'none') as account_id,
        namespace,
        metric_name,
        array_to_string(list_transform(sorted_dimensions, lambda d: d.key), ',') as dimension_set,
        cast(to_json(map_from_entries(sorted_dimensions)) as varchar) as dimensions,
        statistics['count'] as sample_count,
        statistics['sum'] as sum,
        statistics['max'] as maximum,
        statistics['min'] as minimum
    from source

)

select * from renamed
