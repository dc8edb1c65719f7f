-- Grain: one day, metric, skill, stage and locale that Amazon reports. What we count, and what may account for a
-- difference.
{{ config(materialized='view') }}
{% set metrics = [
    'customers', 'total_enablements', 'total_utterances', 'successful_utterances', 'failed_utterances',
    'total_sessions', 'successful_sessions', 'user_ended_sessions', 'skill_ended_sessions'
] | join(', ') %}

with

reported as (

    select
        *,
        case when metric in ('customers', 'total_enablements') then metric else 'total_sessions' end as measured_by
    from {{ ref('int_reconciliation__alexa_reported') }}

),

days as not materialized (

    select * from {{ ref('alexa_skill_metrics_daily') }}

),

counts as (

    select *
    from (
        select
            skill_id,
            stage,
            locale,
            period_start,
            {{ metrics }}
        from days
    )
    unpivot include nulls (ours for metric in ({{ metrics }}))

),

counts_without_locale as (

    select * rename (ours as ours_without_locale)
    from counts
    where locale = 'none'

),

-- From when to when what metrics are counted from has landed.
spans as (

    select
        skill_id,
        stage,
        metric as measured_by,
        min(period_start) as first_day,
        max(period_start) as last_day
    from counts
    where locale = 'all' and ours > 0
    group by skill_id, stage, metric

),

enabled_again as (

    select
        skill_id,
        stage,
        period_start,
        least(disablements, total_enablements) as enabled_again
    from days
    where locale = 'all'

),

-- Amazon reports an answer to a purchase as a new session, which it is not.
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

-- A smart home skill knows whose a directive is only if it could read the token.
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
        reported.keys,
        metric,
        period_start,
        ours,
        ours_without_locale,
        enabled_again,
        purchase_answers,
        directives_without_user,
        first_day,
        last_day
    from reported
    inner join spans using (skill_id, stage, measured_by)
    left join counts using (skill_id, stage, locale, period_start, metric)
    left join counts_without_locale using (skill_id, stage, period_start, metric)
    left join enabled_again using (skill_id, stage, period_start)
    left join purchase_answers using (skill_id, stage, locale, period_start)
    left join directives_without_user using (skill_id, stage, locale, period_start)

)

select * from counted
