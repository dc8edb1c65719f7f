-- Grain: one grain (hour, day, month), period, skill, stage and locale, which may be `all`: what Amazon alone knows of
-- a skill as a whole. NULL is what it doesn't report.
{{ config(materialized='view') }}

with

reported as not materialized (

    select
        *,
        try_cast(reported_value as bigint) as number
    from {{ ref('int_alexa__reported_values_by_period') }}
    where not is_compared and measure <> 'action_utterances'

),

by_measure as not materialized (

    select
        skill_id,
        stage,
        locale,
        grain,
        period_start,
        starts_at,
        count(*) filter (where not contains(measure, '/')) as reported_count,
        -- distinct customers can't be added up
        any_value(number) filter (where measure = 'flash_briefing_customers' and is_exact) as flash_briefing_customers,
        -- only of flash briefing skills, whose customers nobody else knows
        bool_or(measure in ('flash_briefing_customers', 'plays')) as is_flash_briefing,
        any_value(number) filter (where measure = 'plays') as plays,
        any_value(number) filter (where measure = 'smart_home_utterances') as smart_home_utterances,
        any_value(number) filter (where measure = 'intent_confidence_high') as intent_confidence_high_count,
        any_value(number) filter (where measure = 'intent_confidence_medium') as intent_confidence_medium_count,
        any_value(number) filter (where measure = 'intent_confidence_low') as intent_confidence_low_count,
        any_value(number) filter (where measure = 'barge_ins') as barge_in_count,
        any_value(number) filter (where measure = 'terminations') as termination_count,
        any_value(number) filter (where measure = 'unhandled_requests') as unhandled_request_count,
        any_value(number) filter (where measure = 'estimated_error/numerator') as predicted_error_count,
        any_value(number) filter (where measure = 'estimated_error/denominator') as error_evaluated_count,
        any_value(number) filter (where measure = 'friction/numerator') as friction_defective_count,
        any_value(number) filter (where measure = 'friction/denominator') as friction_evaluated_count,
        any_value(number) filter (where measure = 'barge_in/numerator') as barge_in_defective_count,
        any_value(number) filter (where measure = 'barge_in/denominator') as barge_in_evaluated_count,
        max(load_id) as load_id
    from reported
    group by skill_id, stage, locale, grain, period_start, starts_at

)

select * from by_measure
