-- Grain: one day, metric, skill, stage and locale (which may be `all`) of Amazon's Metrics API.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none does.
{{ config(materialized='table', database='touchstone') }}
{% set metrics = [
    'customers', 'total_enablements', 'total_utterances', 'successful_utterances', 'failed_utterances',
    'total_sessions', 'successful_sessions', 'user_ended_sessions', 'skill_ended_sessions'
] %}

with

-- Numbers that a mart takes over from Amazon, such as a smart home skill's utterances, are not here: they are equal.
names (reported_namespace, metric, measure) as (

    values
        ('CUSTOM', 'uniqueCustomers', 'customers'),
        ('CUSTOM', 'totalEnablements', 'total_enablements'),
        ('CUSTOM', 'totalUtterances', 'total_utterances'),
        ('CUSTOM', 'successfulUtterances', 'successful_utterances'),
        ('CUSTOM', 'failedUtterances', 'failed_utterances'),
        ('CUSTOM', 'totalSessions', 'total_sessions'),
        ('CUSTOM', 'successfulSessions', 'successful_sessions'),
        ('CUSTOM', 'userEndedSessions', 'user_ended_sessions'),
        ('CUSTOM', 'skillEndedSessions', 'skill_ended_sessions'),
        ('SMARTHOME', 'uniqueCustomers', 'customers'),
        ('SMARTHOME', 'totalEnablements', 'total_enablements'),
        ('Alexa.Custom', 'CUSTOMERS', 'customers'),
        ('Alexa.Custom', 'UTTERANCES', 'total_utterances'),
        ('Alexa.Custom', 'SUCCESSFUL_UTTERANCES', 'successful_utterances'),
        ('Alexa.Custom', 'FAILED_UTTERANCES', 'failed_utterances'),
        ('Alexa.Custom', 'SUCCESSFUL_SESSIONS', 'successful_sessions'),
        ('Alexa.Custom', 'USER_ENDED_SESSIONS', 'user_ended_sessions'),
        ('Alexa.Custom', 'SKILL_ENDED_SESSIONS', 'skill_ended_sessions'),
        ('Alexa.SmartHome', 'CUSTOMERS', 'customers')

),

-- Both versions of the API may have told the same. Materialized, as answers are long texts, and read several times below.
records as materialized (

    select
        skill_id,
        stage,
        locale,
        measure,
        starts_at,
        ends_at,
        fetched_at,
        reported_value,
        starts_at as event_at,
        true as is_current,
        true as is_changed
    from {{ ref('stg_alexa__reported_points') }}
    inner join names using (reported_namespace, metric)
    where grouped_by is null
    qualify row_number() over (
        partition by skill_id, stage, locale, measure, starts_at, ends_at
        order by fetched_at desc, reported_value desc
    ) = 1

),

{{ changed_periods(['skill_id', 'stage']) }},

{{ reported_by_grain(['measure']) }},

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
            day_start,
            max(fetched_at) as asked_at
        from bucketed
        group by skill_id, stage, locale, measure, day_start
    )
    group by skill_id, stage, measure, day_start

),

reported as (

    select
        reported_by_grain.skill_id,
        reported_by_grain.stage,
        reported_by_grain.locale,
        reported_by_grain.measure as metric,
        cast(reported_by_grain.period_start as date) as period_start,
        reported_by_grain.reported_value as reported,
        case
            when reported_by_grain.measure in ('customers', 'total_enablements') then reported_by_grain.measure
            else 'total_sessions'
        end as measured_by,
        asked.asked_at >= {{ reporting_instant('reported_by_grain.period_start + interval 1 day') }} as is_over
    from reported_by_grain
    inner join asked using (skill_id, stage, measure, period_start)
    where
        grain = 'day'
        and reported_value is not null
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
