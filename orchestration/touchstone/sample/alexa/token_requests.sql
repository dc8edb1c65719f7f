-- Requests to the owner's token endpoint.
create table token_records as
select unnest(arrivals(moment, stir(bits, j))) as arrived, to_json({
    received_at: iso(moment),
    responded_at: iso(moment + to_milliseconds(takes)),
    skill_id: skill_id,
    stage: if(is_development, 'development', 'live'),
    grant_type: split_part(step[2:], '/', 1),
    http_status: status,
    body: body::json,
    request_id: uuid_of(token('token request', concat(n, '/', j))),
})::varchar as line
from happened
join tokens on name = split_part(step, '/', 2)
where starts_with(step, '%');

select arrived, line from token_records
union all
select arrived, json_merge_patch(line, patch)::varchar
from (from token_records order by all limit 1), (values
    ('{"received_at":null}'), ('{"received_at":"soon"}'), ('{"request_id":null}'), ('{"grant_type":"telepathy"}'), ('{"grant_type":""}'), ('{"http_status":99}'), ('{"responded_at":"2020-01-01T00:00:00Z"}')
) as v (patch)
where not clean();
