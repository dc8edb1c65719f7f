-- Needs: alexa/_shared.sql.
-- Calls of custom skills, as their owner's endpoint logs them.
create macro clock(n, moment) as '"' || case n % 50
    when 7 then strftime(moment - interval 7 hours, '%Y-%m-%dT%H:%M:%S.%g-07:00')
    when 11 then strftime(moment, '%Y-%m-%dT%H:%M:%S.%g417+00:00')
    else iso(moment)
end || '"';
create macro intent(name, more) as
    '"intent":{"name":"' || name || '","confirmationStatus":"NONE","slots":{' || more || '}}';
create macro answered(fields) as '{"version":"1.0","response":{' || fields || '}}';

-- A request's type, what it holds beside, and its answer.
create macro type_of(kind) as case kind
    when 'launch' then 'LaunchRequest'
    when 'end' then 'SessionEndedRequest'
    when 'exception' then 'System.ExceptionEncountered'
    when 'can' then 'CanFulfillIntentRequest'
    when 'answer' then 'Connections.Response'
    when 'resumed' then 'SessionResumedRequest'
    else if(kind in ('ask', 'intent', 'order'), 'IntentRequest', kind)
end;
create table requests as
with typed as (
    select *, type_of(p[1]) as type, coalesce(
        type = 'Connections.Response' or (how <> 'sessionless' and type like '%Request')
        or regexp_matches(type, '^(Display|Alexa)[.]'), false
    ) as is_of_session
    from happened
    where step[1] not in ('!', '$')
)

select
    *,
    token('request', concat(n, '/', j)) as request_hex,
    max(if(type = 'Connections.Response', j, null)) over life as answer_before,
    lag(request_hex) over life as cause,
    min(j) over life = j and how <> 'continued' as is_first,
    stir(bits, j) as of_request,
    case how when 'timeout' then -1 when 'late' then 9200 when 'late-timeout' then 10500 when 'just-in-time' then 8000
        else 30 + draw(stir(bits, j), 11, 400) * if(draw(stir(bits, j), 13, 30) = 0, 6, 1) end as takes,
    case p[1]
        when 'launch' then if(p[2] = 'task', '"task":{"name":"AMAZON.ScheduleFoodDelivery"}', null)
        when 'ask' then if(skill = 'quiz', pick(stir(bits, j), 15, [
            intent('AnswerIntent', '"answer":{"name":"answer","value":"seven","resolutions":'
                || '{"resolutionsPerAuthority":[{"status":{"code":"ER_SUCCESS_MATCH"}}]}}'),
            intent('AnswerIntent', '"answer":{"name":"answer","value":"寿司","resolutions":'
                || '{"resolutionsPerAuthority":[{"status":{"code":"ER_SUCCESS_NO_MATCH"}}]}}'),
            -- A skill that was built before there were confirmations.
            '"intent":{"name":"ScoreIntent","slots":{}}', intent('AMAZON.YesIntent', '')
        ]), pick(stir(bits, j), 15, [
            intent('RecipeIntent', '"dish":{"name":"dish","value":"Grünkohl"}'), intent('HoursIntent', '')
        ]))
        when 'intent' then intent(p[2], '')
        when 'order' then concat(
            '"dialogState":"', p[2], '","intent":{"name":"OrderIntent","confirmationStatus":"',
            coalesce(p[3], 'NONE'), '","slots":{"size":{"name":"size"', case p[2]
                when 'IN_PROGRESS' then ',"slotValue":{"type":"List","values":[{"value":"olives"}]}'
                when 'COMPLETED' then ',"value":"large"'
            end, '}}}'
        )
        when 'end' then nullif(concat_ws(
            ',', field('reason', p[2]), '"error":{"type":"' || p[3] || '","message":"An exception"}'
        ), '')
        when 'exception' then concat(
            '"error":{"type":"', p[2], '"},"cause":{"requestId":"amzn1.echo-api.request.', uuid_of(cause), '"}'
        )
        when 'can' then intent('AnswerIntent', '')
        when 'answer' then concat(
            '"name":"', p[2], '","token":"sale","status":{"code":', if(p[3] = 'DECLINED', '200', '"200"'),
            '},"payload":{', '"purchaseResult":"' || p[3] || '","productId":"' || product || '"', '}'
        )
        when 'resumed' then '"cause":{"type":"ConnectionCompleted","token":"print","status":{"code":200}}'
        else '"token":"track-1"'
    end as own,
    case
        when how in ('exception', 'timeout', 'late-timeout') then null
        when p[1] = 'can' then answered('"canFulfillIntent":{"canFulfill":"' || p[2] || '"}')
        when type not in ('LaunchRequest', 'IntentRequest', 'Connections.Response', 'SessionResumedRequest')
            then answered('')
        when how in ('Buy', 'Upsell', 'Cancel', 'AskFor') then answered(
            '"shouldEndSession":true,"directives":[{"type":"Connections.SendRequest","name":"' || how
            || '","payload":{"InSkillProduct":{"productId":"' || product || '"}},"token":"sale"}]'
        )
        when contains(how, '.') then answered(
            if(starts_with(how, 'A'), '', '"shouldEndSession":false,') || '"directives":[{"type":"' || how || '"}]'
        )
        when how = 'LinkAccount' then answered('"card":{"type":"LinkAccount"},"shouldEndSession":true')
        else answered('"outputSpeech":{"text":"Well."},"shouldEndSession":' || (how in ('end', 'apology')))
    end as answer,
    -- Delivered again, as the first answer was lost on its way.
    unnest(if(draw(stir(bits, j), 17, 300) = 0, [moment, moment + interval 900 milliseconds], [moment]))
        as received_at,
from typed
window life as (partition by n order by j);

create table records as
select
    unnest(arrivals(received_at, of_request)) as arrived,
    concat(
        '{"received_at":', clock(n, received_at), ',"responded_at":',
        if(takes < 0, 'null', clock(n, received_at + to_milliseconds(takes))), ',"outcome":"', case
            when how in ('exception', 'apology') then 'exception'
            when how like '%timeout' then 'timeout'
            else 'ok'
        end, '","stage":"', stage, '","is_test":', is_test, ',"request":{', concat_ws(
            ',',
            '"version":"1.0"',
            -- Of 2016: no context and no locale; the user in the context alone; the time as a number.
            if(is_of_session, concat(
                '"session":{"new":', is_first or type = 'Connections.Response', ',"sessionId":"session.',
                uuid_of(token('session', concat_ws('/', n, if(n % 4 = 0, null, answer_before)))),
                '","application":{"applicationId":"', skill_id, '"}',
                if(shape < 4, '', ',"user":{"userId":"' || user_id || '"}'), '}'
            ), null),
            if(shape between 4 and 7 and is_of_session, null, concat(
                '"context":{"System":{"application":{"applicationId":"', skill_id, '"},"user":{"userId":"',
                user_id, '"},"device":{"deviceId":"device-', person, '","supportedInterfaces":{}}}}'
            )),
            '"request":{' || concat_ws(
                ',',
                '"type":"' || type || '","requestId":"amzn1.echo-api.request.' || uuid_of(request_hex) || '"',
                '"timestamp":' || if(shape in (8, 9), epoch_ms(moment)::varchar, '"' || iso_seconds(moment) || '"'),
                if(shape between 4 and 7, null, field('locale', locale)),
                own
            ) || '}'
        ), '},"response":', coalesce(answer, 'null'), '}'
    ) as line,
from (select *, draw(bits, 25, 200) as shape from requests);

create table odd_records as
from odd('records', '%"LaunchRequest"%', list_concat(odd_times('received_at'), [
    '{"request":{"request":{"requestId":null}}}', '{"request":{"request":{"type":"Telepathy.Request"}}}',
    '{"request":{"request":{"type":""}}}', '{"request":{"request":{"type":"AlexaSkillEvent.SkillEnabled"}}}',
    '{"request":{"request":{"type":null}}}', '{"request":"{}"}', '{"request":[]}', '{"outcome":"maybe"}',
    '{"responded_at":"2020-01-01T00:00:00Z"}', '{"request":{"request":{"locale":"all"}}}',
    '{"response":{"response":null}}'
]));

from records
union all
from odd_records;
