-- Grain: one day, metric and keys of CloudWatch's datapoints: account, account and configuration set, or account and
-- the value of one dimension. The marts of SES have no region.
{{ config(materialized='table') }}

with

datapoints as not materialized (

    select
        account_id,
        dimension_set,
        coalesce(cast(cast(dimensions as json) as map(varchar, varchar))[dimension_set], '') as dimension_value,
        period_start,
        metric_name,
        sum,
        min(period_start) over (partition by account_id) as first_reported_day,
        max(period_start) over (partition by account_id) as last_reported_day
    from {{ ref('cloudwatch_metrics_daily') }}
    -- of several dimensions at once there is no mart
    where namespace = 'AWS/SES' and not contains(dimension_set, ',')

),

names (metric_name, metric) as (

    values
        ('Send', 'send_count'),
        ('Delivery', 'delivery_count'),
        ('Bounce', 'bounce_count'),
        ('Complaint', 'complaint_count'),
        ('Open', 'open_count'),
        ('Click', 'click_count'),
        ('Reject', 'reject_count')

),

-- CloudWatch has no datapoint where nothing happened: what is missing beside others of its day is 0.
reported as (

    select
        cast(case datapoints.dimension_set
            when '' then to_json(struct_pack(account_id := datapoints.account_id))
            when 'ses:configuration-set' then to_json(struct_pack(
                account_id := datapoints.account_id, configuration_set := datapoints.dimension_value
            ))
            else to_json(struct_pack(
                account_id := datapoints.account_id,
                dimension := datapoints.dimension_set,
                dimension_value := datapoints.dimension_value
            ))
        end as varchar) as keys,
        names.metric,
        datapoints.period_start,
        coalesce(sum(datapoints.sum) filter (where datapoints.metric_name = names.metric_name), 0) as reported,
        datapoints.first_reported_day,
        datapoints.last_reported_day,
        datapoints.account_id,
        datapoints.dimension_set,
        datapoints.dimension_value
    from datapoints
    cross join names
    where datapoints.metric_name in (select metric_name from names)
    group by all

)

select * from reported
