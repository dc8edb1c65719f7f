-- Grain: one landed version of an event of in-skill purchasing; `is_current` marks the version that counts.
-- Of an event that was logged twice: the last, which may correct the first.
{{ current_versions(ref('stg_alexa__purchases'), ['happened_at desc']) }}
