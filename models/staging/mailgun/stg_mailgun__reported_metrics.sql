-- Grain: one landed version of Mailgun's own number for a metric, a period and its dimensions.
with

source as (

    select * from {{ landed('mailgun', 'reported_metrics') }}

),

renamed as (

    select
        _key as report_key,
        _record_id as version_id,
        resolution,
        _at as period_start,
        lower(list_filter(dimensions, lambda d: d.dimension = 'domain')[1].value) as domain,
        list_filter(dimensions, lambda d: d.dimension not in ('time', 'domain')) as other_dimensions,
        list_sort(
            list_transform(list_filter(dimensions, lambda d: d.dimension <> 'time'), lambda d: d.dimension)
        ) as dimension_names,
        "start" as reported_from,
        "end" as reported_until,
        pagination.total as answer_items,
        unnest(json_keys(metrics)) as metric,
        metrics,
        _landing as load_id
    from source

),

valued as (

    -- rates come as text
    select
        * exclude (metrics),
        try_cast(metrics ->> metric as double) as value
    from renamed

)

select * from valued
