-- Grain: one landed version of a request of Alexa's to the owner's token endpoint, with its answer.
select
    {{ landed_columns(at='received_at') }},
    try_cast(responded_at as timestamptz) at time zone 'UTC' as responded_at,
    skill_id,
    coalesce(nullif(stage, ''), 'none') as stage,
    coalesce(nullif(grant_type, ''), 'none') as grant_type,
    http_status,
    -- an answer that is no JSON object is none that OAuth knows
    coalesce(json_type(body) = 'OBJECT', false) as has_body,
    coalesce(body ->> '$.access_token', '') <> '' as has_access_token,
    case when json_type(body, '$.error') = 'VARCHAR' then nullif(body ->> '$.error', '') end as error
from {{ landed('alexa', 'token_requests') }}
