-- Grain: one landed version of a request to a custom skill's endpoint; `is_current` marks the version that counts.
-- Of a request that was delivered twice: one that was answered, then the first.
{{ current_versions(ref('stg_alexa__requests'), ['(responded_at is not null and has_response) desc', 'received_at']) }}
