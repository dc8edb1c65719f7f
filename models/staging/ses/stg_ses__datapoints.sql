-- Grain: one landed version of a CloudWatch datapoint of SES.
-- SES reads the stream by itself, so that what fails of another namespace's datapoints holds back nothing of SES.
with

source as (

    select
        *,
        list_sort(list_zip(json_keys(dimensions), dimensions ->> '$.*')) as sorted_dimensions,
        json_transform("value", '{"count": "DOUBLE", "sum": "DOUBLE", "min": "DOUBLE", "max": "DOUBLE"}') as statistics
    from {{ landed('cloudwatch', 'metric_stream') }}
    where namespace = 'AWS/SES'

),

renamed as (

    select
        {{ landed_columns(at='period_at') }},
        coalesce(nullif(account_id, ''), 'none') as account_id,
        namespace,
        metric_name,
        coalesce(array_to_string(list_sort(json_keys(dimensions)), ','), '') as dimension_set,
        coalesce(cast(to_json(map_from_entries(sorted_dimensions)) as varchar), '{}') as dimensions,
        statistics.count as sample_count,
        statistics.sum,
        statistics.max as maximum,
        statistics.min as minimum,
        coalesce(period > 60 and minimum < maximum, false) as is_varied
    from source

)

select * from renamed
