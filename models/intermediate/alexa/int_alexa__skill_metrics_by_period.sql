-- Grain: one grain (hour, day, month), period, skill, stage and locale, which may be `all`. The metrics of a skill that
-- are made of others are defined here; int_alexa__skill_counts_by_period has what they are made of.
{{ config(materialized='view', tags='published') }}

with

counts as (

    select * from {{ ref('int_alexa__skill_counts_by_period') }}

),

derived_counts as (

    select
        * exclude (
            reported_count, own_customers, flash_briefing_customers, is_flash_briefing, own_utterances,
            smart_home_utterances, endpoint_latency_us, endpoint_latency_quantiles_us
        ),
        case
            when is_flash_briefing and coalesce(own_customers, 0) = 0 then flash_briefing_customers
            else own_customers
        end as customers,
        user_ended_sessions + skill_ended_sessions as successful_sessions,
        -- Amazon alone knows what is said to a smart home skill.
        coalesce(own_utterances + coalesce(smart_home_utterances, 0), smart_home_utterances) as total_utterances,
        total_utterances - failed_utterances as successful_utterances,
        endpoint_latency_us / 1000 as endpoint_latency_sum_ms,
        endpoint_latency_quantiles_us[1] / 1000 as endpoint_latency_p50_ms,
        endpoint_latency_quantiles_us[2] / 1000 as endpoint_latency_p90_ms,
        endpoint_latency_quantiles_us[3] / 1000 as endpoint_latency_p99_ms,
        record_count = 0 and reported_count = 0 as is_empty
    from counts

),

with_rates as (

    select
        *,
        successful_sessions / nullif(total_sessions, 0) as successful_session_share,
        failed_sessions / nullif(total_sessions, 0) as failed_session_share,
        no_response_sessions / nullif(total_sessions, 0) as no_response_session_share,
        total_sessions / nullif(customers, 0) as average_sessions_per_customer,
        total_utterances / nullif(total_sessions, 0) as utterances_per_session,
        total_utterances / nullif(customers, 0) as utterances_per_customer,
        endpoint_latency_sum_ms / nullif(endpoint_answered_count, 0) as endpoint_latency_avg_ms,
        predicted_error_count / nullif(error_evaluated_count, 0) as estimated_system_error_rate,
        friction_defective_count / nullif(friction_evaluated_count, 0) as friction_rate,
        barge_in_defective_count / nullif(barge_in_evaluated_count, 0) as barge_in_rate
    from derived_counts

)

select * from with_rates
