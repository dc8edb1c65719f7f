-- Grain: one grain (hour, day, month), period, skill, stage and locale, which may be `all`.
-- Every metric of a skill as a whole is defined here and nowhere else: what one record counts for in `flagged`,
-- what only Amazon knows in `reported`, what is made of them in `added` and `rated`.
{{ config(database='touchstone', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

requests as not materialized (

    select
        *,
        'request' as record,
        received_at as event_at
    from {{ read(ref('int_alexa__sessionized_requests')) }}

),

operations as not materialized (

    select
        * exclude (latency_us),
        'directive' as record,
        sent_at as event_at
    from {{ read(ref('int_alexa__operations')) }}

),

skill_events as not materialized (

    select
        *,
        'event' as record,
        -- Amazon says nothing of where
        'none' as locale,
        created_at as event_at
    from {{ read(ref('int_alexa__skill_events')) }}

),

points as not materialized (

    select
        *,
        starts_at as event_at,
        true as is_current
    from {{ read(ref('int_alexa__reported_points')) }}
    where measure <> 'action_utterances'

),

-- A rate is of the spans of which Amazon reports both sides.
sides (rate, numerator, denominator) as (

    values
        ('estimated_error', 'predicted_errors', 'evaluated_for_errors'),
        ('friction', 'defective_utterances', 'evaluated_utterances'),
        ('barge_in', 'barge_ins', 'evaluated_utterances')

),

pairs as not materialized (

    select
        points.* replace (
            rate || case measure when numerator then '/numerator' else '/denominator' end as measure
        )
    from points
    inner join sides on points.measure in (sides.numerator, sides.denominator)
    qualify count(*) over (partition by skill_id, stage, locale, rate, starts_at, ends_at) = 2

),

records as not materialized (

    select * from requests
    union all by name
    select * from operations
    union all by name
    select * from skill_events
    union all by name
    select * from points
    union all by name
    select * from pairs

),

-- What of a skill is logged at all. A number of what isn't is not 0 but unknown.
logged as (

    select
        skill_id,
        stage,
        bool_or(record = 'request') as has_requests,
        bool_or(record = 'directive') as has_directives,
        bool_or(record = 'event') as has_events
    from records
    where record is not null
    group by skill_id, stage

),

newly_logged as (

    select distinct skill_id, stage
    from records
    where record is not null
    group by skill_id, stage, record
    having bool_and(is_changed)

),

changed as (

    select distinct skill_id, stage, event_at from records where is_changed
    union
    select skill_id, stage, event_at from records semi join newly_logged using (skill_id, stage)

),

{{ changed_periods(['skill_id', 'stage'], 'changed') }},

-- What a record counts for: 1, or NULL, which count() passes over.
flagged as (

    select
        skill_id,
        stage,
        locale,
        hour_start,
        day_start,
        month_start,
        case when event_at is not null then 1 end as record_count,
        case
            when record in ('request', 'directive') and request_type is distinct from 'CanFulfillIntentRequest'
                then nullif(user_id, 'none')
        end as customer,
        case when session_end is not null then 1 end as total_sessions,
        case when session_end = 'user_ended' then 1 end as user_ended_sessions,
        case when session_end = 'skill_ended' then 1 end as skill_ended_sessions,
        case when session_end = 'failed' then 1 end as failed_sessions,
        case when session_end = 'no_response' then 1 end as no_response_sessions,
        case when is_utterance then 1 end as own_utterances,
        case when is_utterance and is_failed then 1 end as failed_utterances,
        case when request_type = 'IntentRequest' then 1 end as total_intents,
        case when request_type = 'IntentRequest' and is_failed then 1 end as failed_intents,
        case
            when request_type = 'IntentRequest' and intent_name = 'AMAZON.FallbackIntent' then 1
        end as fallback_intents,
        case when event = 'SkillEnabled' then 1 end as total_enablements,
        case when event = 'SkillEnabled' then nullif(user_id, 'none') end as enabled_user,
        case when event = 'SkillDisabled' then 1 end as disablements,
        case when expects_response then latency_us end as latency_us,
        case when expects_response and not is_failed then 1 end as endpoint_success_count,
        case when is_failed then 1 end as endpoint_failure_count
    from bucketed
    where measure is null

),

counted as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
        count(record_count) as record_count,
        count(distinct customer) as own_customers,
        count(total_sessions) as total_sessions,
        count(user_ended_sessions) as user_ended_sessions,
        count(skill_ended_sessions) as skill_ended_sessions,
        count(failed_sessions) as failed_sessions,
        count(no_response_sessions) as no_response_sessions,
        count(own_utterances) as own_utterances,
        count(failed_utterances) as own_failed_utterances,
        count(total_intents) as total_intents,
        count(failed_intents) as failed_intents,
        count(fallback_intents) as fallback_intent_count,
        count(total_enablements) as total_enablements,
        count(distinct enabled_user) as enabled_users,
        count(disablements) as disablements,
        count(latency_us) as endpoint_answered_count,
        sum(latency_us) as latency_us,
        quantile_cont(latency_us, [0.5, 0.9, 0.99]) as latency_quantiles_us,
        count(endpoint_success_count) as endpoint_success_count,
        count(endpoint_failure_count) as endpoint_failure_count
    from flagged
    group by
        skill_id, stage,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale))

),

{{ reported_by_grain(['measure']) }},

reported as (

    select
        skill_id,
        stage,
        locale,
        grain,
        period_start,
        count(*) filter (where not contains(measure, '/')) as reported_count,
        any_value(case when measure = 'customers' and is_exact then try_cast(reported_value as bigint) end) as customers,
        map_from_entries(list(row(measure, try_cast(reported_value as bigint)))) as numbers,
        -- only of flash briefing skills, whose customers nobody else knows
        bool_or(measure in ('customers', 'plays')) as is_flash_briefing
    from reported_by_grain
    group by skill_id, stage, locale, grain, period_start

),

joined as (

    select
        skill_id,
        stage,
        locale,
        grain,
        period_start,
        coalesce(columns(['record_count', 'reported_count']), 0),
        case when has_requests then coalesce(columns([
            'total_sessions', 'user_ended_sessions', 'skill_ended_sessions', 'failed_sessions', 'no_response_sessions',
            'own_utterances', 'own_failed_utterances', 'total_intents', 'failed_intents', 'fallback_intent_count',
            'endpoint_answered_count', 'endpoint_success_count', 'endpoint_failure_count', 'latency_us'
        ]), 0) end,
        case when has_events then coalesce(columns(['total_enablements', 'enabled_users', 'disablements']), 0) end,
        case when has_requests or has_directives then coalesce(own_customers, 0) end as own_customers,
        latency_quantiles_us,
        columns(reported.* exclude (skill_id, stage, locale, grain, period_start, reported_count)),
        coalesce(has_requests, false) as has_requests
    from counted
    full join reported using (skill_id, stage, locale, grain, period_start)
    left join logged using (skill_id, stage)
    where period_start is not null and locale is not null

),

added as (

    select
        * exclude (own_customers, own_failed_utterances, customers),
        case
            when is_flash_briefing and coalesce(own_customers, 0) = 0 then customers
            else own_customers
        end as customers,
        user_ended_sessions + skill_ended_sessions as successful_sessions,
        -- what is said to a smart home skill only Amazon knows
        case
            when has_requests then own_utterances + coalesce(numbers['smart_home_utterances'], 0)
            else numbers['smart_home_utterances']
        end as total_utterances,
        own_failed_utterances as failed_utterances,
        total_utterances - failed_utterances as successful_utterances,
        numbers['plays'] as plays,
        latency_quantiles_us[1] / 1000 as endpoint_latency_p50_ms,
        latency_quantiles_us[2] / 1000 as endpoint_latency_p90_ms,
        latency_quantiles_us[3] / 1000 as endpoint_latency_p99_ms,
        numbers['intent_confidence_high'] as intent_confidence_high_count,
        numbers['intent_confidence_medium'] as intent_confidence_medium_count,
        numbers['intent_confidence_low'] as intent_confidence_low_count,
        numbers['barge_ins'] as barge_in_count,
        numbers['terminations'] as termination_count,
        numbers['unhandled_requests'] as unhandled_request_count,
        numbers['estimated_error/numerator'] as predicted_error_count,
        numbers['estimated_error/denominator'] as error_evaluated_count,
        numbers['friction/numerator'] as friction_defective_count,
        numbers['friction/denominator'] as friction_evaluated_count,
        numbers['barge_in/numerator'] as barge_in_defective_count,
        numbers['barge_in/denominator'] as barge_in_evaluated_count,
        latency_us / 1000 as endpoint_latency_sum_ms
    from joined

),

rated as (

    select
        * exclude (own_utterances, latency_us, latency_quantiles_us, numbers, is_flash_briefing, has_requests),
        successful_sessions / nullif(total_sessions, 0) as successful_session_share,
        failed_sessions / nullif(total_sessions, 0) as failed_session_share,
        no_response_sessions / nullif(total_sessions, 0) as no_response_session_share,
        total_sessions / nullif(customers, 0) as average_sessions_per_customer,
        total_utterances / nullif(total_sessions, 0) as utterances_per_session,
        total_utterances / nullif(customers, 0) as utterances_per_customer,
        endpoint_latency_sum_ms / nullif(endpoint_answered_count, 0) as endpoint_latency_avg_ms,
        predicted_error_count / nullif(error_evaluated_count, 0) as estimated_system_error_rate,
        friction_defective_count / nullif(friction_evaluated_count, 0) as friction_rate,
        barge_in_defective_count / nullif(barge_in_evaluated_count, 0) as barge_in_rate,
        {{ load_id() }} as load_id
    from added

)

select * from rated
