-- Requests to the owner's token endpoint.
create table tokens as from records_of('@', '{"request_id":"$id","received_at":"$at","responded_at":"$until",'
    || '"skill_id":"$skill","stage":"$stage","grant_type":"<authorization_code|refresh_token|refresh_token>",'
    || '"http_status":$1,"body":$body}');

from with_odd('tokens', '%', odd_times('received_at') || [
    '{"grant_type":"telepathy"}', '{"http_status":99}', '{"responded_at":"2020-01-01T00:00:00Z"}'
]);
