-- Grain: one landed version of a message of a smart home or video skill; `is_current` marks the version that counts.
-- Of a message that was logged twice: the first.
{{ current_versions(ref('stg_alexa__smart_home_messages'), ['logged_at']) }}
