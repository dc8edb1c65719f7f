-- Grain: one day, metric, skill, stage and locale (which may be `all`) of Amazon's Metrics API.
{{ config(materialized='table') }}

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

-- Both versions of the API may report the same. Materialized, as answers are long texts, and read several times below.
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
requests as (

    select
        skill_id,
        stage,
        measure,
        day_start as period_start,
        min(requested_at) as requested_at
    from (
        select
            skill_id,
            stage,
            locale,
            measure,
            day_start,
            max(fetched_at) as requested_at
        from bucketed
        group by skill_id, stage, locale, measure, day_start
    )
    group by skill_id, stage, measure, day_start

),

reported as (

    select
        cast(to_json(struct_pack(locale := locale, skill_id := skill_id, stage := stage)) as varchar) as keys,
        measure as metric,
        cast(period_start as date) as period_start,
        reported_value as reported,
        requested_at >= {{ reporting_instant('period_start + interval 1 day') }} as is_over,
        skill_id,
        stage,
        locale
    from reported_by_grain
    inner join requests using (skill_id, stage, measure, period_start)
    where
        grain = 'day'
        and reported_value is not null
        -- customers don't add up, neither over hours nor over locales
        and (measure <> 'customers' or is_exact)
        -- a skill's enablements are of no locale
        and (measure <> 'total_enablements' or locale = 'all')

)

select * from reported
