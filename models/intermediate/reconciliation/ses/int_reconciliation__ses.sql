-- Grain: one day, metric and keys of CloudWatch's datapoints: account, account and configuration set, or account and
-- the value of one dimension.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none holds.
{{ config(materialized='table', tags='published') }}

with

reported as (

    select
        *,
        sum(reported) filter (where dimension_set = 'ses:configuration-set') over (
            partition by account_id, period_start, metric
        ) as reported_of_sets,
        dimension_set not in ('', 'ses:configuration-set') as is_by_dimension
    from {{ ref('int_reconciliation__ses_reported') }}

),

counted as (

    select * from {{ ref('int_reconciliation__ses_counted') }}

),

compared as (

    select *
    from reported
    inner join counted using (keys, metric, period_start)
    where reported <> 0 or ours <> 0

),

-- A way of counting is the vendor's only if it is right on more of the days that tell the two apart than ours, and on
-- three at least: on one day it may fit by chance.
right_readings as (

    select
        keys,
        metric,
        period_start,
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
        window same_reading as (partition by keys, metric, reading)
    )
    where amount = reported and days_right >= 3 and days_right > days_ours
    group by keys, metric, period_start

),

explained as (

    select
        'ses' as system,
        case when is_by_dimension then 'ses_metrics_by_dimension' else 'ses_metrics' end as mart,
        metric,
        keys,
        period_start,
        cast(ours as double) as ours,
        reported,
        0 as rounding,
        case
            when period_start <= first_day and reported > ours then 'events_begin_later'
            when period_start = first_reported_day and reported < ours then 'datapoints_begin_later'
            when period_start = last_day and reported > ours then 'events_to_come'
            when period_start = last_reported_day and reported < ours then 'datapoints_to_come'
            when reading is not null then reading
            when reported < ours and ours_in_reported_hours = reported and not is_by_dimension
                then 'hours_without_datapoints'
            when
                dimension_set = ''
                and reported > ours
                and abs(reported_of_sets - ours_of_sets) <= {{ var('reconciliation_tolerance') }} * reported_of_sets
                then 'mail_without_configuration_set'
            when reported < ours and is_by_dimension and list_contains(ours_by_set, reported)
                then 'destination_of_one_set'
        end as reason
    from compared
    left join right_readings using (keys, metric, period_start)

)

select * from explained
