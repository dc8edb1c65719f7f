-- The event stream, as Firehose delivers it: what becomes of emails, texts and pushes.
create table streamed as
with all_events as (
    select
        * exclude (type), type as kind, '_journey.send' as event, moment as event_at,
        moment + to_milliseconds(person % 300) as arrival,
        if(status = 'QUIET_TIME_WAIT_FINISHED', null, type) as channel,
        '"journey_send_status":"$status","journey_activity_type":"$channel","journey_send_status_code":"<200|200|'
        || 'NULL>","journey_send_status_message":<null|"made up"|"made up"|NULL>' as attributes,
        -- What a send knows of its endpoint: JSON within a text.
        ',"client_context":{"custom":{"endpoint":'
        || '"{\"ChannelType\":\"$type\"<|,\"Demographic\":{\"Timezone\":\"Europe/Berlin\"}>}"}}' as more,
    from sends
    -- These two are streamed only now and then, though they are counted.
    where status not in ('TRANSIENT_FAILURE', 'SERVICE_FAILURE') or n % 3 = 0
    union all by name
    -- An email event's time is the message's, whatever happened when.
    select
        *, '_email.' || step as event, begun_at as event_at, moment as arrival, '"feedback":"made up"' as attributes,
        ',"facets":{"email_channel":{"mail_event":{"mail":{"message_id":"0100$message","message_send_timestamp":$at,'
        || '"from_address":"shop@example.com","destination":["c.$person@example.com"]}' || case step
            when 'hardbounce' then ',"bounce":{"bounce_type":"Permanent","bounce_sub_type":"NoEmail"}'
            when 'softbounce' then ',"bounce":{"bounce_type":"<Transient|Undetermined>","bounce_sub_type":"General"}'
            when 'complaint' then ',"complaint":{"complaint_feedback_type":"<abuse|not-spam|fraud>"}'
            when 'open' then ',"open":{"ip_address":"198.51.100.7","user_agent":"' || agents() || '"}'
            when 'click' then ',"click":{"ip_address":"198.51.100.7","link":"https://shop.example.com/<1|2|3>"}'
            else ''
        end || '}}}' as more,
    from happened where kind = 'EMAIL'
    union all by name
    -- At first the price is an estimate, though mostly right; a message of several parts has one price.
    select
        *, '_SMS.' || p[1] as event, moment as event_at, moment + to_seconds(person % 900 - 400) as arrival,
        p[2] as status, [1, 1, 2, 4][1 + n % 4] as parts,
        parts * [645.0, 645, 581, 746.5, 0][1 + n % 5] + if(p[1] = 'BUFFERED' and n % 10 = 1, 64.5, 0) as price,
        '"record_status":"$status","iso_country_code":"<US|CA>","number_of_message_parts":"$parts",'
        || '"message_id":"text-$message","message_type":"<Transactional|Promotional>"' as attributes,
        if(p[3] = '$', ',"metrics":{"price_in_millicents_usd":$price}', '') as more,
    from (select *, string_split(step, '/') as p from happened where kind = 'SMS')
    union all by name
    -- An app reports by its device's clock, which may be wrong, and now and then a day late.
    select
        *, if(campaign is null, '_journey.', '_campaign.') || step as event,
        moment - to_hours(if(n % 25 = 0, 2, 0)) as event_at, moment + if(n % 20 = 0, interval 1 day, interval 1 second) as arrival,
    from happened where kind = 'PUSH' and step <> 'nothing'
    union all by name
    select 'cart.abandoned' as event, n, bits, person, 'PUSH' as kind, moment, moment as event_at, moment as arrival,
    from walked where step = '_cart.abandoned'
)

-- Of people of no journey half are in another project.
select moment, unnest(arrivals(arrival, bits)) as arrived, fill(choose(
    '{"event_type":"$event","event_timestamp":$at,"arrival_timestamp":$arrival,"application":{"app_id":"$app"},'
    || '"client":{"client_id":"$person-$type"},"attributes":{"journey_id":"$journey","journey_run_id":"$run",'
    || '"journey_activity_id":"$activity","campaign_id":"$campaign",' || coalesce(attributes, '"locale":"NULL"') || '}'
    || coalesce(more, '') || ',"awsAccountId":"300000000001"}', n % 64), [
        ['$event', event], ['$at', epoch_ms(event_at)::varchar], ['$arrival', epoch_ms(arrival)::varchar],
        ['$app', md5(if(person >= 1000000 and person % 2 = 1, 'alerts', 'shop'))], ['$person', person::varchar],
        ['$type', kind], ['$channel', channel], ['$journey', md5(journey)], ['$run', run], ['$activity', activity],
        ['$campaign', md5(campaign)], ['$status', status], ['$message', token(kind, concat(n, begun_at))],
        ['$parts', parts::varchar], ['$price', price::varchar]
    ]
) as line
from all_events
where within_days(moment)
order by arrived;

-- What a Lambda transformation passes on and Firehose writes of a failed delivery; what is no event.
create macro passed(line) as
    concat('{"recordId":"4960', md5(line), '","result":"Ok","data":"', to_base64(encode(line || chr(10))), '"}');

from with_odd('streamed', '%"event_type":"_journey.send"%', [
    '{"event_timestamp":null,"arrival_timestamp":null}', '{"event_timestamp":253402300799000}',
    '{"event_timestamp":"soon"}', '{"event_type":null}', '{"application":null}', '{"attributes":"none"}', '{"event_type":"_email.open"}',
    '{"event_type":"_journey.opened_notification","client":null}', '{"event_type":"_journey.teleported"}'
] || ['{"event_type":"' || kind || '"}' for kind in ignored_kinds()])
union all
select max(arrived), unnest([
    '{"invocationId":"0-f1fe","records":[' || string_agg(passed(line), ',' order by line) || ']}',
    '{"records":[' || max(passed(line)) || ',{"recordId":"1","data":"%%%"},{"recordId":"3","data":null},'
        || '{"recordId":"2","data":"eyJldmVudF90eXBlIjog"}]}',
    '{"attemptsMade":4,"errorCode":"Example.Failed","errorMessage":"made up","rawData":"e30="}'
])
from (from streamed where moment < beginning() + interval 2 days and not clean() order by line limit 20)
having count() > 0;
