-- Needs: alexa/_shared.sql.
-- Requests to the owner's token endpoint: status, error or token, and how long it takes; also codes
-- that OAuth 2.0 doesn't know, or not in this place.
create table token_answers as from (values
    (200, '{"access_token":"removed"}', 120), (200, '{"access_token":"removed"}', 60),
    (200, '{"access_token":"removed"}', 80), (200, '{"access_token":"removed"}', 90),
    (201, '{"access_token":"removed"}', 60), (200, '{"access_token":"removed"}', 4500),
    (200, '{"access_token":"removed"}', 5400), (400, '{"error":"invalid_grant"}', 4501),
    (null, null, null), (502, null, 300), (400, null, 60), (400, '{}', 60), (400, '{"error":null}', 60),
    (400, '{"error":""}', 60), (403, '{"message":"Forbidden"}', 60), (200, '{}', 60), (200, null, 60),
    (200, '{"access_token":""}', 60), (200, '{"error":"invalid_grant"}', 60),
    (503, '{"error":"temporarily_unavailable"}', 60), (401, '{"error":"invalid_client"}', 60)
) as v (status, body, takes)
union all
select 400, '{"error":"' || error || '"}', 60 from unnest([
    'invalid_grant', 'invalid_request', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope',
    'token_revoked', 'INVALID_GRANT'
]) as r (error);

create table token_moments as
select *, moment as begun_at, '#' as script, 1 as j
from moments('tokens', greatest(events() // 30, 10));
create table tokens as
select unnest(arrivals(moment, bits)) as arrived, to_json({
    received_at: iso(moment),
    responded_at: iso(moment + to_milliseconds(takes)),
    skill_id: skill_id,
    stage: stage,
    grant_type: if(n % 3 = 0, 'authorization_code', 'refresh_token'),
    http_status: status,
    body: body::json,
    request_id: uuid_of(token('token request', n)),
})::varchar as line
from of_users('token_moments')
join (select *, row_number() over (order by status, body, takes) - 1 as answer from token_answers)
    on answer = n % (select count() from token_answers);

from tokens
union all
from odd('tokens', '%', list_concat(odd_times('received_at'), [
    '{"request_id":null}', '{"grant_type":"telepathy"}', '{"grant_type":""}', '{"http_status":99}',
    '{"responded_at":"2020-01-01T00:00:00Z"}'
]));
