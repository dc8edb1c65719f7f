-- Grain: one landed version of a request to the owner's token endpoint; `is_current` marks the version that counts.
-- Of a request that was logged twice: one that was answered, then the first.
{{ current_versions(ref('stg_alexa__token_requests'), ['responded_at is not null desc', 'received_at']) }}
