-- Grain: one day, metric and keys of CloudWatch's datapoints: account, account and configuration set, or account and
-- the value of one dimension.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none holds.
{{ config(materialized='table', database='touchstone') }}
{% set metrics = [
    'send_count', 'delivery_count', 'bounce_count', 'complaint_count', 'open_count', 'click_count', 'reject_count'
] %}

with

sets as not materialized (

    select * from {{ ref('ses_metrics_daily') }}

),

slices as not materialized (

    select * from {{ ref('ses_metrics_by_dimension_daily') }}

),

datapoints as not materialized (

    select
        *,
        coalesce(cast(cast(dimensions as json) as map(varchar, varchar))[dimension_set], '') as dimension_value
    from {{ ref('cloudwatch_metrics_daily') }}
    -- of several dimensions at once there is no mart
    where namespace = 'AWS/SES' and not contains(dimension_set, ',')

),

told_hours as (

    select distinct
        account_id,
        period_start
    from {{ ref('cloudwatch_metrics_hourly') }}
    where namespace = 'AWS/SES'

),

names as (

    select
        unnest(['Send', 'Delivery', 'Bounce', 'Complaint', 'Open', 'Click', 'Reject']) as metric_name,
        unnest([{{ "'" ~ metrics | join("', '") ~ "'" }}]) as metric

),

-- CloudWatch has no datapoint where nothing happened: what is missing beside others of its day is 0. The marts of SES
-- have no region.
reported as (

    select
        datapoints.account_id,
        datapoints.dimension_set,
        datapoints.dimension_value,
        datapoints.period_start,
        names.metric,
        coalesce(sum(datapoints.sum) filter (where datapoints.metric_name = names.metric_name), 0) as reported
    from datapoints
    cross join names
    where datapoints.metric_name in (select metric_name from names)
    group by all

),

-- Beside our reading, those that Amazon's pages also allow, each under the name of its reason.
readings as (

    select
        account_id,
        configuration_set,
        dimension_set,
        dimension_value,
        period_start,
        unnest([{{ "'" ~ metrics | join("', '") ~ "'" }}]) as metric,
        unnest([{{ metrics | join(', ') }}]) as ours,
        unnest([
            send_recipient_count, delivery_recipient_count, bounce_recipient_count, complaint_recipient_count,
            null, null, null
        ]) as several_recipients,
        unnest([
            null, null, bounce_count + soft_bounce_count, null, null, null, null
        ]) as soft_bounces,
        unnest([
            null, null, bounce_count + soft_bounce_count + undetermined_bounce_count, null, null, null, null
        ]) as soft_and_undetermined_bounces,
        unnest([rated_send_count, rated_delivery_count, null, null, null, null, null]) as simulator_mail,
        unnest([null, null, rated_bounce_count, rated_complaint_count, null, null, null]) as kept_out_of_rates,
        unnest([null, null, null, null, opened_message_count, clicked_message_count, null]) as opened_messages
    from (
        select
            *,
            '' as dimension_set,
            '' as dimension_value
        from sets
        union all by name
        select * rename (dimension as dimension_set) from slices
    )
    semi join reported using (account_id, dimension_set, dimension_value, period_start)

),

counted as (

    select
        account_id,
        dimension_set,
        dimension_value,
        period_start,
        metric,
        sum(columns([
            'ours', 'several_recipients', 'soft_bounces', 'soft_and_undetermined_bounces', 'simulator_mail',
            'kept_out_of_rates', 'opened_messages'
        ])),
        list(ours) as ours_by_set,
        sum(ours) filter (where configuration_set <> 'none') as ours_of_sets
    from readings
    group by account_id, dimension_set, dimension_value, period_start, metric

),

compared as (

    select
        reported.*,
        coalesce(counted.ours, 0) as ours,
        counted.* exclude (account_id, dimension_set, dimension_value, period_start, metric, ours)
    from reported
    left join counted using (account_id, dimension_set, dimension_value, period_start, metric)
    where reported.reported <> 0 or counted.ours <> 0

),

-- A way of counting is the vendor's only if it is right on more of the days that tell the two apart than ours, and on
-- three at least: on one day it may fit by chance.
right_readings as (

    select
        account_id,
        dimension_set,
        dimension_value,
        period_start,
        metric,
        min(reading) as reading
    from (
        select
            *,
            count(*) filter (where amount = reported) over same_reading as days_right,
            count(*) filter (where ours = reported) over same_reading as days_ours
        from compared
        unpivot (
            amount for reading in (
                several_recipients, soft_bounces, soft_and_undetermined_bounces, simulator_mail, kept_out_of_rates,
                opened_messages
            )
        )
        where amount <> ours
        window same_reading as (partition by account_id, dimension_set, dimension_value, metric, reading)
    )
    where amount = reported and days_right >= 3 and days_right > days_ours
    group by account_id, dimension_set, dimension_value, period_start, metric

),

-- Our events in the hours of which CloudWatch has told anything at all.
in_told_hours as (

    select
        account_id,
        case grouping(configuration_set) when 0 then 'ses:configuration-set' else '' end as dimension_set,
        coalesce(configuration_set, '') as dimension_value,
        day as period_start,
        metric,
        sum(value) as ours_in_told_hours
    from (
        select
            account_id,
            configuration_set,
            {{ reporting_date('period_start') }} as day,
            {{ metrics | join(', ') }}
        from {{ ref('ses_metrics_hourly') }}
        semi join told_hours using (account_id, period_start)
    )
    unpivot (value for metric in ({{ metrics | join(', ') }}))
    group by account_id, day, metric, grouping sets ((), (configuration_set))

),

sums_of_sets as (

    select
        account_id,
        period_start,
        metric,
        sum(reported) as reported_of_sets
    from reported
    where dimension_set = 'ses:configuration-set'
    group by account_id, period_start, metric

),

-- reputation alone is no event
event_days as (

    select
        account_id,
        min(period_start) as first_event_day,
        max(period_start) as last_event_day
    from sets
    where {{ metrics | join(' + ') }} > 0
    group by account_id

),

datapoint_days as (

    select
        account_id,
        min(period_start) as first_datapoint_day,
        max(period_start) as last_datapoint_day
    from datapoints
    group by account_id

),

reasoned as (

    select
        'ses' as system,
        case
            when dimension_set in ('', 'ses:configuration-set') then 'ses_metrics' else 'ses_metrics_by_dimension'
        end as mart,
        metric,
        cast(case dimension_set
            when '' then to_json(struct_pack(account_id))
            when 'ses:configuration-set'
                then to_json(struct_pack(account_id := account_id, configuration_set := dimension_value))
            else to_json(struct_pack(
                account_id := account_id, dimension := dimension_set, dimension_value := dimension_value
            ))
        end as varchar) as keys,
        period_start,
        cast(ours as double) as ours,
        reported,
        0 as rounding,
        case
            when ours = reported then null
            when period_start <= first_event_day and reported > ours then 'events_begin_later'
            when period_start = first_datapoint_day and reported < ours then 'datapoints_begin_later'
            when period_start = last_event_day and reported > ours then 'events_to_come'
            when period_start = last_datapoint_day and reported < ours then 'datapoints_to_come'
            when reading is not null then reading
            when coalesce(ours_in_told_hours, 0) = reported and dimension_set in ('', 'ses:configuration-set')
                then 'hours_without_datapoints'
            when
                dimension_set = ''
                and reported > ours
                and abs(reported_of_sets - ours_of_sets) <= {{ var('reconciliation_tolerance') }} * reported_of_sets
                then 'mail_without_configuration_set'
            when dimension_set not in ('', 'ses:configuration-set') and list_contains(ours_by_set, reported)
                then 'destination_of_one_set'
        end as reason
    from compared
    left join right_readings using (account_id, dimension_set, dimension_value, period_start, metric)
    left join in_told_hours using (account_id, dimension_set, dimension_value, period_start, metric)
    left join sums_of_sets using (account_id, period_start, metric)
    left join event_days using (account_id)
    left join datapoint_days using (account_id)
    where exists (select 1 from event_days)

)

select * from reasoned
