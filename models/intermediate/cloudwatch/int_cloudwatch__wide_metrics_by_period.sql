-- Grain: one grain (hour, day, month), period, wide mart and row of it, such as a queue, with its numbers by metric.
-- CloudWatch may report a metric under several dimension sets, with the same events in each: the one with the fewest
-- dimensions counts at each instant. No number is made of undeclared sets, and none is 0 or partial beside theirs.
-- An hour in which a longer period than a minute counts is one instant.
{{ config(
    tags='published', unique_key=['account_id', 'region', 'mart', 'grain', 'period_start']
) }}

{%- set keys = ['account_id', 'region', 'mart'] %}

with

definitions as (

    select
        mart,
        namespace,
        metric_name,
        when_silent,
        statistic
    from {{ ref('cloudwatch_wide_metrics') }}
    inner join {{ ref('cloudwatch_metric_definitions') }} using (namespace, metric_name)

),

records as not materialized (

    select * rename (period_at as event_at) from {{ read(ref('int_cloudwatch__datapoints_by_mart')) }}

),

changed as (

    select distinct {{ keys | join(', ') }}, date_trunc('minute', event_at) as event_at from records where is_changed
    union
    {{ changed_ends(keys) }}

),

{{ changed_periods(keys, 'changed') }},

-- Where a metric comes under several sets. A changed period by itself has no reading.
of_several_sets as (

    select
        *,
        case
            when
                bool_or(period_minutes > 1) over (
                    partition by account_id, region, mart, subject, metric_name, date_trunc('hour', event_at)
                )
                then date_trunc('hour', event_at)
            else event_at
        end as instant
    from bucketed
    where set_count is distinct from 1

),

preferred as (

    select *
    from of_several_sets
    where reading = 'declared' or reading is null
    qualify
        rank() over (
            partition by account_id, region, mart, subject, metric_name, instant
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
        {{ grain_columns() }},
        {{ order_free_sum('sample_count') }} as sample_count,
        {{ order_free_sum('sum') }} as sum,
        max(maximum) as maximum,
        case when not coalesce(arg_max(is_varied, event_at), false) then arg_max(maximum, event_at) end as last
    from (from preferred union all by name from bucketed where reading = 'declared' and set_count = 1)
    group by account_id, region, mart, subject, metric_name, grouping sets ((hour_start), (day_start), (month_start))
    having period_start is not null

),

mart_rows as (

    select distinct account_id, region, mart, subject, grain, period_start from counted

),

-- Numbers of other sets at instants when no row that they may belong to has its own.
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
    from (
        from of_several_sets
        union all by name
        from bucketed where set_count = 1
    ) as other
    anti join preferred
        on
            other.account_id = preferred.account_id
            and other.region = preferred.region
            and other.mart = preferred.mart
            and other.metric_name = preferred.metric_name
            and other.instant = preferred.instant
            and json_contains(preferred.subject, other.subject)
    where other.reading <> 'declared'

    -- AppIntegrations may name more or fewer dimensions of the same integration
    union all by name
    select account_id, region, mart, subject, metric_name, 'declared' as reading, grain, period_start
    from counted where mart in (select mart from definitions where namespace = 'AWS/AppIntegrations')

),

beside_others as (

    select
        mart_rows.*,
        others.metric_name,
        bool_or(others.reading = 'undeclared' and json_contains(mart_rows.subject, others.subject)) as is_partial
    from mart_rows
    inner join others using (account_id, region, mart, grain, period_start)
    where json_contains(mart_rows.subject, others.subject) or json_contains(others.subject, mart_rows.subject)
    group by all

),

valued as (

    select
        mart_rows.*,
        definitions.metric_name,
        counted.metric_name is not null as is_reported,
        case
            when beside_others.is_partial then null
            when is_reported then
                case statistic
                    when 'sum' then sum
                    when 'maximum' then maximum
                    when 'average' then sum / nullif(sample_count, 0)
                    when 'last' then last
                end
            when
                subject is not null and beside_others.metric_name is null
                and when_silent <> 'unknown'
                and coalesce(ends_with(when_silent, subject ->> '$.IntegrationType'), true)
                then 0
        end as value
    from mart_rows
    inner join definitions using (mart)
    left join counted using (account_id, region, mart, subject, metric_name, grain, period_start)
    left join beside_others using (account_id, region, mart, subject, metric_name, grain, period_start)

)

-- A changed period without a row is written without a subject, so that rows that it had go.
select
    account_id,
    region,
    mart,
    subject,
    grain,
    period_start,
    map_from_entries(list_sort(list(row(metric_name, value)) filter (where value is not null))) as metrics,
    {{ load_id() }} as load_id
from valued
group by account_id, region, mart, subject, grain, period_start
having subject is null or count(value) filter (where is_reported) > 0
qualify subject is not null or count(*) over (partition by account_id, region, mart, grain, period_start) = 1
