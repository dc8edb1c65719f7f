-- Grain: one landed version of an event of a skill; `is_current` marks the version that counts.
-- Of an event that was delivered twice: the first.
{{ current_versions(ref('stg_alexa__skill_events'), ['created_at']) }}
