-- Grain: one of Amazon's own numbers that a metric takes over or is compared with: a measure of a skill, or of one
-- group in it, in one span of time. Of several answers about it the latest fetched counts, and of one answer that
-- gives it twice the larger.
{{ config(unique_key='point_key') }}

with

-- Where we count a metric ourselves, Amazon's number is compared with ours; other numbers are taken over.
measures (reported_namespace, metric, measure, is_compared) as (

    values
        ('FLASHBRIEFING', 'totalSessions', 'plays', false),
        ('FLASHBRIEFING', 'uniqueCustomers', 'flash_briefing_customers', false),
        ('SMARTHOME', 'totalUtterances', 'smart_home_utterances', false),
        ('Alexa.SmartHome', 'UTTERANCES', 'smart_home_utterances', false),
        ('Alexa.EstimatedTurnError', 'PREDICTED_UTTERANCES', 'predicted_errors', false),
        ('Alexa.EstimatedTurnError', 'EVALUATED_UTTERANCES', 'evaluated_for_errors', false),
        ('Alexa.SkillQuality', 'DEFECTIVE_UTTERANCES', 'defective_utterances', false),
        ('Alexa.SkillQuality', 'EVALUATED_UTTERANCES', 'evaluated_utterances', false),
        ('Alexa.SkillQuality', 'DEFECTIVE_BARGE_INS', 'barge_ins', false),
        ('Alexa.SkillQuality', 'DEFECTIVE_TERMINATION', 'terminations', false),
        ('Alexa.SkillQuality', 'UNHANDLED_REQUEST', 'unhandled_requests', false),
        ('CUSTOM', 'uniqueCustomers', 'customers', true),
        ('CUSTOM', 'totalEnablements', 'total_enablements', true),
        ('CUSTOM', 'totalUtterances', 'total_utterances', true),
        ('CUSTOM', 'successfulUtterances', 'successful_utterances', true),
        ('CUSTOM', 'failedUtterances', 'failed_utterances', true),
        ('CUSTOM', 'totalSessions', 'total_sessions', true),
        ('CUSTOM', 'successfulSessions', 'successful_sessions', true),
        ('CUSTOM', 'userEndedSessions', 'user_ended_sessions', true),
        ('CUSTOM', 'skillEndedSessions', 'skill_ended_sessions', true),
        ('SMARTHOME', 'uniqueCustomers', 'customers', true),
        ('SMARTHOME', 'totalEnablements', 'total_enablements', true),
        ('Alexa.Custom', 'CUSTOMERS', 'customers', true),
        ('Alexa.Custom', 'UTTERANCES', 'total_utterances', true),
        ('Alexa.Custom', 'SUCCESSFUL_UTTERANCES', 'successful_utterances', true),
        ('Alexa.Custom', 'FAILED_UTTERANCES', 'failed_utterances', true),
        ('Alexa.Custom', 'SUCCESSFUL_SESSIONS', 'successful_sessions', true),
        ('Alexa.Custom', 'USER_ENDED_SESSIONS', 'user_ended_sessions', true),
        ('Alexa.Custom', 'SKILL_ENDED_SESSIONS', 'skill_ended_sessions', true),
        ('Alexa.SmartHome', 'CUSTOMERS', 'customers', true)

),

arrived as (

    select
        points.*,
        case
            when grouped_by is null then measures.measure
            when reported_namespace = 'Alexa.SmartHome' and metric = 'UTTERANCES' then 'action_utterances'
            when reported_namespace = 'Alexa.Custom' and metric = 'INTENT_CLASSIFICATION'
                then case upper(group_value)
                    when 'HIGH' then 'intent_confidence_high'
                    when 'MEDIUM' then 'intent_confidence_medium'
                    when 'LOW' then 'intent_confidence_low'
                end
        end as measure,
        case when grouped_by is null then measures.is_compared else false end as is_compared
    from {{ read(ref('stg_alexa__reported_points')) }} as points
    left join measures using (reported_namespace, metric)
    where is_changed

),

keyed as (

    select
        md5(concat_ws(
            '|', skill_id, stage, locale, measure, coalesce(group_value, ''), cast(starts_at as varchar),
            cast(ends_at as varchar)
        )) as point_key,
        skill_id,
        stage,
        locale,
        measure,
        is_compared,
        case when measure = 'action_utterances' then group_value end as group_value,
        starts_at,
        ends_at,
        fetched_at,
        reported_value
    from arrived
    where measure is not null

),

known as (

    select * from keyed
    {% if is_incremental() %}
    union all by name
    select * exclude (load_id) from {{ this }} semi join keyed using (point_key)
    {% endif %}

)

select
    *,
    {{ load_id() }} as load_id
from known
qualify row_number() over (partition by point_key order by fetched_at desc, reported_value desc) = 1
