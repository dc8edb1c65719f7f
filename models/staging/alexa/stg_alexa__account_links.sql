-- Grain: one landed version of a step of an account linking.
select
    {{ landed_columns(at='happened_at') }},
    skill_id,
    coalesce(nullif(stage, ''), 'none') as stage,
    coalesce(nullif(locale, ''), 'none') as locale,
    -- Amazon knows two flows, by where the user began
    case when flow in ('alexa_app', 'app_to_app_from_alexa') then 'alexa_app' else 'your_app' end as flow,
    step
from {{ landed('alexa', 'account_links') }}
