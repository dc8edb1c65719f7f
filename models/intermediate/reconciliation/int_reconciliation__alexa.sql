-- Grain: one day, metric, skill, stage and locale (which may be `all`) of Amazon's Metrics API.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none does.
{{ config(materialized='table', database='touchstone') }}
{% set metrics = [
    'customers', 'total_enablements', 'total_utterances', 'successful_utterances', 'failed_utterances',
    'total_sessions', 'successful_sessions', 'user_ended_sessions', 'skill_ended_sessions'
] %}

with

reported_days as (

    select *
    from {{ ref('int_alexa__reported_values_by_period') }}
    where grain = 'day' and is_compared

),

-- A day's locales are added up, so that each has to be asked for when the day is over.
asked as (

    select
        skill_id,
        stage,
        measure,
        day_start as period_start,
        min(asked_at) as asked_at
    from (
        select
            skill_id,
            stage,
            locale,
            measure,
            {{ reporting_date('starts_at') }} as day_start,
            max(fetched_at) as asked_at
        from {{ ref('int_alexa__reported_points') }}
        where is_compared
        group by skill_id, stage, locale, measure, day_start
    )
    group by skill_id, stage, measure, day_start

),

reported as (

    select
        reported_days.skill_id,
        reported_days.stage,
        reported_days.locale,
        reported_days.measure as metric,
        cast(reported_days.period_start as date) as period_start,
        reported_days.reported_value as reported,
        case
            when reported_days.measure in ('customers', 'total_enablements') then reported_days.measure
            else 'total_sessions'
        end as measured_by,
        asked.asked_at >= {{ reporting_instant('reported_days.period_start + interval 1 day') }} as is_over
    from reported_days
    inner join asked using (skill_id, stage, measure, period_start)
    where
        reported_value is not null
        -- customers can't be added up, neither of hours nor of locales
        and (measure <> 'customers' or is_exact)

),

days as (

    select * from {{ ref('alexa_skill_metrics_daily') }}

),

-- From when to when that has landed which metrics are measured by.
spans as (

    select
        skill_id,
        stage,
        measured_by,
        min(period_start) as first_day,
        max(period_start) as last_day
    from days
    unpivot (measure for measured_by in (customers, total_enablements, total_sessions))
    where locale = 'all' and measure > 0
    group by skill_id, stage, measured_by

),

enabled_again as (

    select
        skill_id,
        stage,
        period_start,
        least(disablements, total_enablements) as customers
    from days
    where locale = 'all'

),

-- An answer to a purchase is told as a new session, which it is not.
purchase_answers as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        {{ reporting_date('received_at') }} as period_start,
        count(*) as purchase_answers
    from {{ ref('int_alexa__sessionized_requests') }}
    where is_current and request_type = 'Connections.Response'
    group by skill_id, stage, {{ reporting_date('received_at') }}, grouping sets ((), (locale))

),

-- Whose directive it is, a smart home skill knows only of those whose token it could read.
directives_without_user as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        {{ reporting_date('sent_at') }} as period_start,
        count(*) as directives_without_user
    from {{ ref('int_alexa__operations') }}
    where is_current and user_id = 'none'
    group by skill_id, stage, {{ reporting_date('sent_at') }}, grouping sets ((), (locale))

),

counted as (

    select
        skill_id,
        stage,
        locale,
        period_start,
        unnest({{ metrics }}) as metric,
        unnest([{{ metrics | join(', ') }}]) as ours
    from days

),

without_locale as (

    select * from counted where locale = 'none'

),

compared as (

    select
        reported.*,
        coalesce(counted.ours, 0) as ours,
        spans.first_day,
        spans.last_day,
        enabled_again.customers as enabled_again,
        purchase_answers,
        directives_without_user,
        without_locale.ours as ours_without_locale,
        count(*) filter (where counted.ours + purchase_answers = reported) over same_metric as days_with_answers,
        count(*) filter (where counted.ours = reported) over same_metric as days_without_answers,
        bool_or(metric = 'total_sessions' and counted.ours = reported) over same_day as sessions_are_equal,
        bool_or(metric = 'total_utterances' and counted.ours = reported) over same_day as utterances_are_equal
    from reported
    inner join spans using (skill_id, stage, measured_by)
    left join counted using (skill_id, stage, locale, period_start, metric)
    left join without_locale using (skill_id, stage, period_start, metric)
    left join enabled_again using (skill_id, stage, period_start)
    left join purchase_answers using (skill_id, stage, locale, period_start)
    left join directives_without_user using (skill_id, stage, locale, period_start)
    -- a skill's enablements are of no locale
    where metric <> 'total_enablements' or locale = 'all'
    window
        same_metric as (partition by skill_id, stage, locale, metric),
        same_day as (partition by skill_id, stage, locale, period_start)

),

reasoned as (

    select
        'alexa' as system,
        'alexa_skill_metrics' as mart,
        metric,
        cast(to_json(struct_pack(locale := locale, skill_id := skill_id, stage := stage)) as varchar) as keys,
        period_start,
        cast(ours as double) as ours,
        reported,
        0 as rounding,
        case
            when ours = reported then null
            when not is_over and reported < ours then 'answer_before_day_end'
            when period_start <= first_day and reported > ours then 'events_begin_later'
            when period_start = last_day and reported > ours then 'events_to_come'
            when metric = 'customers' and ours - reported between 1 and enabled_again then 'enabled_again'
            when metric = 'customers' and reported - ours between 1 and directives_without_user
                then 'directives_without_user'
            when locale <> 'all' and reported - ours between 1 and ours_without_locale then 'records_without_locale'
            when
                metric = 'total_sessions'
                and ours + purchase_answers = reported
                and days_with_answers >= 3
                and days_with_answers > days_without_answers
                then 'purchase_answers'
            when metric like '%_sessions' and sessions_are_equal then 'session_ends'
            when metric like '%_utterances' and utterances_are_equal then 'utterance_outcomes'
        end as reason
    from compared

)

select * from reasoned
