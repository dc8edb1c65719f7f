-- Grain: one hour, day or month, metric, mart and its keys; cohorts are of a week, and stand at the day that begins it.
{{ config(materialized='view', database='touchstone') }}

with

metric_values as (

    {{ metric_values([
        'alexa_skill_metrics', 'alexa_intent_metrics', 'alexa_action_metrics', 'alexa_interaction_paths',
        'alexa_account_linking', 'alexa_token_requests', 'alexa_token_errors', 'alexa_operations',
        'alexa_change_reports', 'alexa_purchases',
    ]) }}

),

cohorts as (

    select * from {{ ref('alexa_retention_cohorts') }}

),

cohort_values as (

    select
        'day' as grain,
        'alexa' as system,
        'alexa_retention_cohorts' as mart,
        unnest(['cohort_users', 'returning_users', 'retention_rate']) as metric,
        cast(cohort_week as timestamp) as period_start,
        cast(to_json(struct_pack(
            cohort_week := cohort_week, locale := locale, skill_id := skill_id, week_number := week_number
        )) as varchar) as keys,
        unnest([cohort_users, returning_users, retention_rate]) as value,
        unnest([null, null, returning_users]) as numerator,
        unnest([null, null, cohort_users]) as denominator
    from cohorts

)

select * from metric_values
union all by name
select * from cohort_values
