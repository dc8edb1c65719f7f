-- Grain: one landed version of a step of an account linking; `is_current` marks the version that counts.
-- Of a step that was logged twice: the first.
{{ current_versions(ref('stg_alexa__account_links'), ['happened_at']) }}
