-- Grain: one hour, skill, stage and locale with at least one request, directive, event or reported number.
with

metrics as (

    select * from {{ ref('int_alexa__skill_metrics_by_period') }}

)

select
    skill_id,
    stage,
    locale,
    period_start,
    customers,
    total_sessions,
    successful_sessions,
    user_ended_sessions,
    skill_ended_sessions,
    failed_sessions,
    no_response_sessions,
    successful_session_share,
    failed_session_share,
    no_response_session_share,
    average_sessions_per_customer,
    total_utterances,
    successful_utterances,
    failed_utterances,
    utterances_per_session,
    utterances_per_customer,
    total_intents,
    failed_intents,
    plays,
    total_enablements,
    enabled_users,
    disablements,
    endpoint_latency_p50_ms,
    endpoint_latency_p90_ms,
    endpoint_latency_p99_ms,
    endpoint_latency_avg_ms,
    endpoint_success_count,
    endpoint_failure_count,
    intent_confidence_high_count,
    intent_confidence_medium_count,
    intent_confidence_low_count,
    estimated_system_error_rate,
    friction_rate,
    barge_in_count,
    barge_in_rate,
    termination_count,
    unhandled_request_count,
    fallback_intent_count
from metrics
where grain = 'hour' and (record_count > 0 or reported_count > 0)
