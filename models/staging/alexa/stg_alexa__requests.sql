-- Grain: one landed version of a request to a custom skill's endpoint, with what was answered.
select
    {{ landed_columns(at='received_at') }},
    try_cast(responded_at as timestamptz) at time zone 'UTC' as responded_at,
    lower(nullif(outcome, '')) as outcome,
    coalesce(
        nullif(request.context."System".application."applicationId", ''),
        nullif(request."session".application."applicationId", ''),
        'none'
    ) as skill_id,
    coalesce(nullif(stage, ''), 'none') as stage,
    coalesce(nullif(request.request.locale, ''), 'none') as locale,
    -- old requests name the user in the session alone, requests without a session in the context alone
    coalesce(
        nullif(request.context."System"."user"."userId", ''), nullif(request."session"."user"."userId", ''), 'none'
    ) as user_id,
    coalesce(is_test, false) as is_test,
    request.request."requestId" as request_id,
    request.request."type" as request_type,
    nullif(request."session"."sessionId", '') as session_id,
    coalesce(nullif(request.request.intent."name", ''), 'none') as intent_name,
    nullif(request.request.reason, '') as end_reason,
    nullif(request.request.cause."requestId", '') as cause_request_id,
    response is not null as has_response,
    coalesce(response.response."shouldEndSession", false) as should_end_session,
    -- what the skill asked Amazon to take over, such as a purchase
    case
        when contains(cast(response.response.directives as varchar), 'Connections.SendRequest')
            then list_transform(
                list_filter(
                    json_extract(response.response.directives, '$[*]'),
                    lambda d: (d ->> '$.type') = 'Connections.SendRequest'
                ),
                lambda d: struct_pack(
                    name := lower(d ->> '$.name'),
                    token := d ->> '$.token',
                    product_id := d ->> '$.payload.InSkillProduct.productId'
                )
            )
    end as sent_requests,
    -- of the answer to that
    case
        when request.request."type" = 'Connections.Response' then lower(request.request."name")
    end as connection_name,
    request.request."token" as connection_token,
    upper(nullif(request.request.payload."purchaseResult", '')) as purchase_result,
    nullif(request.request.payload."productId", '') as product_id
from {{ landed('alexa', 'skill_requests') }}
