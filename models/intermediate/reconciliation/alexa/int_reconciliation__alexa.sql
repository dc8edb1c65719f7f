-- Grain: one day, metric, skill, stage and locale (which may be `all`) of Amazon's Metrics API.
-- `reason` is the first whose rule holds; NULL where both numbers are equal, or where none holds.
{{ config(materialized='table', tags='published') }}

with

reported as (

    select * from {{ ref('int_reconciliation__alexa_reported') }}

),

counted as (

    select * from {{ ref('int_reconciliation__alexa_counted') }}

),

compared as (

    select
        * replace (coalesce(counted.ours, 0) as ours),
        -- A way of counting is the vendor's only if it is right on more days than ours, and on three at least.
        count(*) filter (where counted.ours + purchase_answers = reported) over same_metric as days_with_answers,
        count(*) filter (where counted.ours = reported) over same_metric as days_without_answers,
        bool_or(metric = 'total_sessions' and counted.ours = reported) over same_day as sessions_are_equal,
        bool_or(metric = 'total_utterances' and counted.ours = reported) over same_day as utterances_are_equal
    from reported
    inner join counted using (keys, metric, period_start)
    window
        same_metric as (partition by keys, metric),
        same_day as (partition by keys, period_start)

),

explained as (

    select
        'alexa' as system,
        'alexa_skill_metrics' as mart,
        metric,
        keys,
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

select * from explained
