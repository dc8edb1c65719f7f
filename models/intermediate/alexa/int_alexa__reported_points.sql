-- Grain: one of Amazon's own numbers that a metric takes over: a measure of a skill, or of one group in it, in one
-- span of time. Of several answers about it the latest fetched counts, and of one answer that gives it twice the
-- larger.
{{ config(unique_key='point_key') }}

with

arrived as (

    select
        *,
        case
            when reported_namespace = 'FLASHBRIEFING' and grouped_by is null
                then case metric when 'totalSessions' then 'plays' when 'uniqueCustomers' then 'customers' end
            when reported_namespace = 'SMARTHOME' and metric = 'totalUtterances' and grouped_by is null
                then 'smart_home_utterances'
            when reported_namespace = 'Alexa.SmartHome' and metric = 'UTTERANCES'
                then case when grouped_by is null then 'smart_home_utterances' else 'action_utterances' end
            when reported_namespace = 'Alexa.Custom' and metric = 'INTENT_CLASSIFICATION'
                then case upper(group_value)
                    when 'HIGH' then 'intent_confidence_high'
                    when 'MEDIUM' then 'intent_confidence_medium'
                    when 'LOW' then 'intent_confidence_low'
                end
            when grouped_by is not null then null
            when reported_namespace = 'Alexa.EstimatedTurnError'
                then case metric
                    when 'PREDICTED_UTTERANCES' then 'predicted_errors'
                    when 'EVALUATED_UTTERANCES' then 'evaluated_for_errors'
                end
            when reported_namespace = 'Alexa.SkillQuality'
                then case metric
                    when 'DEFECTIVE_UTTERANCES' then 'defective_utterances'
                    when 'EVALUATED_UTTERANCES' then 'evaluated_utterances'
                    when 'DEFECTIVE_BARGE_INS' then 'barge_ins'
                    when 'DEFECTIVE_TERMINATION' then 'terminations'
                    when 'UNHANDLED_REQUEST' then 'unhandled_requests'
                end
        end as measure
    from {{ read(ref('stg_alexa__reported_points')) }}
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
