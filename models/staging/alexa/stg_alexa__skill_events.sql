-- Grain: one landed version of an event of a skill: that a user enabled or disabled it.
select
    {{ landed_columns(at='created_at') }},
    _kind as event,
    coalesce(nullif(context."System".application."applicationId", ''), 'none') as skill_id,
    coalesce(nullif(stage, ''), 'none') as stage,
    coalesce(nullif(context."System"."user"."userId", ''), 'none') as user_id
from {{ landed('alexa', 'skill_events') }}
