-- Grain: one grain (hour, day, month), period, wide mart, what its row is of (an instance, a queue) and metric: the
-- values of all columns of the wide marts.
-- CloudWatch may report a metric under several sets of dimensions, with the same events in each: of an instant one set
-- counts, that of the fewest dimensions, and its datapoints are added up. No number is made of sets that are not
-- declared, and none is 0, or in part, where there is one of those.
{{ config(
    database='touchstone', unique_key=['account_id', 'region', 'mart', 'grain', 'period_start']
) }}

with

definitions as (

    select *
    from {{ ref('cloudwatch_wide_metrics') }}
    inner join {{ ref('cloudwatch_metric_definitions') }} using (namespace, metric_name)

),

datapoints as not materialized (

    select
        *,
        coalesce(dimensions ->> '$.MetricGroup', '-') as metric_group
    from {{ read(ref('int_cloudwatch__datapoints')) }}

),

records as not materialized (

    select
        datapoints.* replace (datapoints.is_changed or dimension_sets.is_changed as is_changed),
        dimension_sets.* exclude (namespace, metric_name, dimension_set, metric_group, load_id, is_changed),
        cast(to_json(map_from_entries(list_filter(
            map_entries(cast(
                cast(replace(dimensions, '"Instance ID":', '"InstanceId":') as json) as map(varchar, varchar)
            )),
            lambda d: list_contains(dimension_sets.keys, d.key)
        ))) as varchar) as subject,
        date_trunc('hour', period_at) as hour_start,
        {{ reporting_date('period_at') }} as day_start,
        cast(date_trunc('month', {{ reporting_date('period_at') }}) as date) as month_start
    from datapoints
    inner join {{ read(ref('int_cloudwatch__dimension_sets')) }} as dimension_sets
        using (namespace, metric_name, dimension_set, metric_group)

),

changed as (

    select distinct
        account_id,
        region,
        mart,
        hour_start,
        day_start,
        {{ reporting_months('hour_start') }} as month_start
    from records
    where is_changed

),

changed_periods as (

    select distinct
        account_id,
        region,
        mart,
        unnest(['hour', 'day', 'month']) as grain,
        unnest([hour_start, cast(day_start as timestamp), cast(month_start as timestamp)]) as period_start
    from changed

),

current_records as materialized (

    select *
    from records
    semi join changed using (month_start)
    where is_current

),

chosen as (

    select *
    from current_records
    where reading = 'declared'
    qualify
        rank() over (
            partition by account_id, region, mart, subject, metric_name, period_at
            order by dimension_count, dimension_set
        ) = 1

),

counted as (

    select
        account_id,
        region,
        mart,
        subject,
        metric_name,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
        {{ order_free_sum('sample_count') }} as sample_count,
        {{ order_free_sum('sum') }} as sum,
        max(maximum) as maximum,
        arg_max(maximum, period_at) as last,
        count(*) as datapoints
    from chosen
    group by account_id, region, mart, subject, metric_name, grouping sets ((hour_start), (day_start), (month_start))

),

-- Numbers under other sets, of instants at which no row that they may be of has one of its own.
others as (

    select distinct
        other.account_id,
        other.region,
        other.mart,
        other.subject,
        other.metric_name,
        other.reading,
        unnest(['hour', 'day', 'month']) as grain,
        unnest([other.hour_start, cast(other.day_start as timestamp), cast(other.month_start as timestamp)])
            as period_start
    from current_records as other
    anti join chosen
        on
            other.account_id = chosen.account_id
            and other.region = chosen.region
            and other.mart = chosen.mart
            and other.metric_name = chosen.metric_name
            and other.period_at = chosen.period_at
            and json_contains(chosen.subject, other.subject)
    where other.reading <> 'declared'

    -- one of AppIntegrations may name more or less than another of the same integration
    union all by name
    select account_id, region, mart, subject, metric_name, 'declared' as reading, grain, period_start
    from counted

),

rows_of_marts as (

    select distinct account_id, region, mart, subject, grain, period_start from counted

),

beside_others as (

    select
        rows_of_marts.*,
        others.metric_name,
        bool_or(reading = 'undeclared' and json_contains(rows_of_marts.subject, others.subject)) as is_in_part
    from rows_of_marts
    inner join others using (account_id, region, mart, grain, period_start)
    where
        json_contains(rows_of_marts.subject, others.subject)
        or json_contains(others.subject, rows_of_marts.subject)
    group by all

),

-- A changed period without a datapoint that counts is recounted as zero, without a subject.
valued as (

    select
        changed_periods.*,
        rows_of_marts.subject,
        definitions.metric_name,
        coalesce(counted.datapoints, 0) as datapoints,
        case
            when beside_others.is_in_part then null
            when counted.datapoints is not null then
                case statistic
                    when 'sum' then sum
                    when 'maximum' then maximum
                    when 'average' then sum / nullif(sample_count, 0)
                    when 'last' then last
                end
            when
                subject is not null
                and beside_others.metric_name is null
                and when_silent <> 'unknown'
                and coalesce(ends_with(when_silent, subject ->> '$.IntegrationType'), true)
                then 0
        end as value,
        {{ load_id() }} as load_id
    from changed_periods
    left join rows_of_marts using (account_id, region, mart, grain, period_start)
    inner join definitions using (mart)
    left join counted using (account_id, region, mart, subject, metric_name, grain, period_start)
    left join beside_others using (account_id, region, mart, subject, metric_name, grain, period_start)

)

select * from valued
