-- Grain: one grain (hour, day, month), period, skill, stage and locale, which may be `all`: what is counted of a skill
-- as a whole, beside what Amazon reports of it. A number of what isn't logged is not 0 but unknown.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        *
        replace (
            {{ user_number('customer') }} as customer,
            {{ user_number('enabled_user') }} as enabled_user
        )
    from {{ read(ref('int_alexa__skill_record_flags')) }}

),

reported as {{ read(ref('int_alexa__reported_skill_metrics')) }},

logged as (

    select
        skill_id,
        stage,
        bool_or(record = 'request') as has_requests,
        bool_or(record = 'directive') as has_directives,
        bool_or(record = 'event') as has_events
    from records
    group by skill_id, stage

),

-- What is logged for the first time is known of all periods from now on.
newly_logged as (

    select distinct skill_id, stage
    from records
    group by skill_id, stage, record
    having bool_and(is_changed)

),

known_times as not materialized (

    select skill_id, stage, event_at, is_changed from records
    union all
    select skill_id, stage, starts_at, is_changed from reported

),

changed as (

    select distinct skill_id, stage, event_at from known_times where is_changed
    union
    select skill_id, stage, event_at from known_times semi join newly_logged using (skill_id, stage)

),

{{ changed_periods(['skill_id', 'stage'], 'changed') }},

counted as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        {{ grain_columns() }},
        count(event_at) as record_count,
        count(distinct customer) as own_customers,
        count(session) as total_sessions,
        count(user_ended_session) as user_ended_sessions,
        count(skill_ended_session) as skill_ended_sessions,
        count(failed_session) as failed_sessions,
        count(no_response_session) as no_response_sessions,
        count(utterance) as own_utterances,
        count(failed_utterance) as failed_utterances,
        count(total_intent) as total_intents,
        count(failed_intent) as failed_intents,
        count(fallback_intent) as fallback_intent_count,
        count(enablement) as total_enablements,
        count(distinct enabled_user) as enabled_users,
        count(disablement) as disablements,
        count(endpoint_latency_us) as endpoint_answered_count,
        sum(endpoint_latency_us) as endpoint_latency_us,
        quantile_cont(endpoint_latency_us, [0.5, 0.9, 0.99]) as endpoint_latency_quantiles_us,
        count(endpoint_success) as endpoint_success_count,
        count(endpoint_failure) as endpoint_failure_count
    from bucketed
    group by
        skill_id, stage,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale))

),

reported_of_changed as (

    select * exclude (starts_at, load_id, is_changed)
    from reported
    semi join counted using (skill_id, stage, grain, period_start)

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
            'own_utterances', 'failed_utterances', 'total_intents', 'failed_intents', 'fallback_intent_count',
            'endpoint_answered_count', 'endpoint_success_count', 'endpoint_failure_count', 'endpoint_latency_us'
        ]), 0) end,
        case when has_events then coalesce(columns(['total_enablements', 'enabled_users', 'disablements']), 0) end,
        case when has_requests or has_directives then coalesce(own_customers, 0) end as own_customers,
        endpoint_latency_quantiles_us,
        columns(reported_of_changed.* exclude (skill_id, stage, locale, grain, period_start, reported_count)),
        {{ load_id() }} as load_id
    from counted
    full join reported_of_changed using (skill_id, stage, locale, grain, period_start)
    left join logged using (skill_id, stage)
    where period_start is not null and locale is not null

)

select * from joined
