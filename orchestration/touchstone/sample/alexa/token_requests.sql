-- Needs: alexa/_shared.sql.
-- Requests to the owner's token endpoint.
create table tokens as
select unnest(arrivals(moment, bits)) as arrived, to_json({
    received_at: iso(moment), responded_at: iso(moment + to_milliseconds(try_cast(how as integer))),
    skill_id: skill_id, stage: stage, grant_type: if(n % 3 = 0, 'authorization_code', 'refresh_token'),
    http_status: try_cast(p[1][2:] as integer),
    body: if(p[2] = '', '{}', '{"' || p[2] || '":"' || p[3] || '"}')::json,
    request_id: token('token request', n),
})::varchar as line
from happened
where step[1] = '@';

from tokens
union all
from odd('tokens', '%', list_concat(odd_times('received_at'), [
    '{"request_id":null}', '{"grant_type":"telepathy"}', '{"grant_type":""}', '{"http_status":99}',
    '{"responded_at":"2020-01-01T00:00:00Z"}'
]));
