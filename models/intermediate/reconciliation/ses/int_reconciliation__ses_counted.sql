-- Grain: one day, metric and keys that CloudWatch reports. What we count by our reading and, each under the name of its
-- reason, by the other readings that Amazon's pages allow.
{{ config(materialized='view') }}
{% set metrics = [
    'send_count', 'delivery_count', 'bounce_count', 'complaint_count', 'open_count', 'click_count', 'reject_count'
] %}

with

reported as (

    select * from {{ ref('int_reconciliation__ses_reported') }}

),

sets as not materialized (

    select * from {{ ref('ses_metrics_daily') }}

),

reported_hours as (

    select distinct
        account_id,
        period_start
    from {{ ref('cloudwatch_metrics_hourly') }}
    where namespace = 'AWS/SES'

),

readings as (

    select
        account_id,
        configuration_set,
        dimension_set,
        dimension_value,
        period_start,
        unnest({{ metrics }}) as metric,
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
        select * rename (dimension as dimension_set) from {{ ref('ses_metrics_by_dimension_daily') }}
    )
    semi join reported using (account_id, dimension_set, dimension_value, period_start)

),

totals as (

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
        list(ours order by ours) as ours_by_set,
        sum(ours) filter (where configuration_set <> 'none') as ours_of_sets
    from readings
    group by account_id, dimension_set, dimension_value, period_start, metric

),

-- What we count in the hours of which the account has any datapoint.
totals_of_reported_hours as (

    select
        account_id,
        case grouping(configuration_set) when 0 then 'ses:configuration-set' else '' end as dimension_set,
        coalesce(configuration_set, '') as dimension_value,
        day as period_start,
        metric,
        sum(value) as ours_in_reported_hours
    from (
        select
            account_id,
            configuration_set,
            {{ reporting_date('period_start') }} as day,
            {{ metrics | join(', ') }}
        from {{ ref('ses_metrics_hourly') }}
        semi join reported_hours using (account_id, period_start)
    )
    unpivot (value for metric in ({{ metrics | join(', ') }}))
    group by account_id, day, metric, grouping sets ((), (configuration_set))

),

-- reputation alone is no event
event_days as (

    select
        account_id,
        min(period_start) as first_day,
        max(period_start) as last_day
    from sets
    where {{ metrics | join(' + ') }} > 0
    group by account_id

),

counted as (

    select
        reported.keys,
        metric,
        period_start,
        coalesce(totals.ours, 0) as ours,
        totals.* exclude (account_id, dimension_set, dimension_value, period_start, metric, ours),
        coalesce(ours_in_reported_hours, 0) as ours_in_reported_hours,
        first_day,
        last_day
    from reported
    left join totals using (account_id, dimension_set, dimension_value, period_start, metric)
    left join totals_of_reported_hours using (account_id, dimension_set, dimension_value, period_start, metric)
    left join event_days using (account_id)
    where exists (select 1 from event_days)

)

select * from counted
