-- Needs: alexa/_shared.sql.
-- Calls of custom skills, as their owner's endpoint logs them.
create macro clock(n, moment) as case n % 50
    when 7 then strftime(moment - interval 7 hours, '%Y-%m-%dT%H:%M:%S.%g-07:00')
    when 11 then strftime(moment, '%Y-%m-%dT%H:%M:%S.%g417+00:00')
    else iso(moment)
end;

-- Requests by kind and number of parameters, or by skill and a number. `$2` is the second parameter.
create table forms as from (values
    ('launch1', 'LaunchRequest', ''),
    ('launch2', 'LaunchRequest', ',"task":{"name":"AMAZON.ScheduleFoodDelivery"}'),
    ('quiz0', 'IntentRequest', ',"intent":{"name":"AnswerIntent","slots":{"answer":{"name":"answer","value":"寿司",'
        || '"resolutions":{"resolutionsPerAuthority":[{"status":{"code":"ER_SUCCESS_$match"}}]}}}}'),
    ('quiz1', 'IntentRequest', ',"intent":{"name":"ScoreIntent"}'),
    ('quiz2', 'IntentRequest', ',"intent":{"name":"AMAZON.YesIntent","confirmationStatus":"NONE","slots":{}}'),
    ('kitchen0', 'IntentRequest',
        ',"intent":{"name":"RecipeIntent","slots":{"dish":{"name":"dish","value":"Grünkohl"}}}'),
    ('kitchen1', 'IntentRequest', ',"intent":{"name":"HoursIntent"}'),
    ('intent2', 'IntentRequest', ',"intent":{"name":"$2"}'),
    ('order2', 'IntentRequest', ',"dialogState":"$2","intent":{"name":"OrderIntent","slots":{"size":'
        || '{"name":"size","slotValue":{"type":"List","values":[{"value":"olives"}]}}}}'),
    ('order3', 'IntentRequest', ',"dialogState":"$2","intent":{"name":"OrderIntent","confirmationStatus":"$3"}'),
    ('end1', 'SessionEndedRequest', ''),
    ('end2', 'SessionEndedRequest', ',"reason":"$2"'),
    ('end3', 'SessionEndedRequest', ',"reason":"$2","error":{"type":"$3","message":"An exception"}'),
    ('exception2', 'System.ExceptionEncountered', ',"error":{"type":"$2"},"cause":{"requestId":"$cause"}'),
    ('can2', 'CanFulfillIntentRequest', ',"intent":{"name":"AnswerIntent"}'),
    ('answer2', 'Connections.Response', ',"name":"$2","token":"sale","status":{"code":"200"},"payload":{}'),
    ('answer3', 'Connections.Response', ',"name":"$2","token":"sale","status":{"code":"200"},'
        || '"payload":{"purchaseResult":"$3","productId":"$product"}'),
    ('resumed1', 'SessionResumedRequest', ',"cause":{"type":"ConnectionCompleted","status":{"code":200}}')
) as v (form, type, own);

create table requests as
select
    * replace (replace(replace(replace(replace(replace(own, '$2', coalesce(p[2], '')), '$3', coalesce(p[3], '')),
        '$match', if(n % 2 = 0, 'MATCH', 'NO_MATCH')), '$product', product), '$cause', coalesce(cause, '')) as own),
    if(how = 'timeout', null, coalesce(
        map {'late': 9200, 'late-timeout': 10500, 'just-in-time': 8000}[how],
        30 + draw(of_request, 11, 400) * if(draw(of_request, 13, 30) = 0, 6, 1)
    )) as takes,
    '{"version":"1.0","response":{' || case
        when how in ('exception', 'timeout', 'late-timeout') then null
        when p[1] = 'can' then '"canFulfillIntent":{"canFulfill":"' || p[2] || '"}'
        when type not in ('LaunchRequest', 'IntentRequest', 'Connections.Response', 'SessionResumedRequest') then ''
        when how in ('Buy', 'Upsell', 'Cancel', 'AskFor') then printf('"shouldEndSession":true,"directives":[{"type":'
            || '"Connections.SendRequest","name":"%s","payload":{"InSkillProduct":{"productId":"%s"}},"token":"sale"}]',
            how, product)
        when contains(how, '.') then
            printf('%s"directives":[{"type":"%s"}]', if(how[1] = 'A', '', '"shouldEndSession":false,'), how)
        when how = 'LinkAccount' then '"shouldEndSession":true,"card":{"type":"LinkAccount"}'
        else '"shouldEndSession":' || (how in ('end', 'apology')) || ',"outputSpeech":{"text":"Well."}'
    end || '}}' as answer,
    -- Delivered again, as the first answer was lost on its way.
    unnest(if(draw(of_request, 17, 300) = 0, [moment, moment + interval 900 milliseconds], [moment])) as received_at,
from (
    select
        happened.*, coalesce(type, p[1]) as type, coalesce(own, ',"token":"track-1"') as own,
        stir(bits, j) as of_request,
        token('request', concat(n, '/', j)) as request_id, lag(request_id) over life as cause,
        row_number() over life = 1 as is_first,
        max(if(type = 'Connections.Response', j, null)) over life as answer_before,
    from happened
    left join forms
        on form = if(p[1] = 'ask', skill || draw(stir(bits, j), 15, if(skill = 'quiz', 3, 2)), p[1] || len(p))
    where not regexp_matches(step, '^[!$>#@]')
    window life as (partition by n order by j)
);

-- Of 2016: no context and no locale; the user in the context alone; the time as a number.
create table records as
select unnest(arrivals(received_at, of_request)) as arrived, printf(
    '{"received_at":"%s","responded_at":%s,"outcome":"%s","stage":"%s","is_test":%s,"request":{"version":"1.0",%s%s'
    || '"request":{"type":"%s","requestId":"%s","timestamp":%s%s%s}},"response":%s}',
    clock(n, received_at), coalesce('"' || clock(n, received_at + to_milliseconds(takes)) || '"', 'null'),
    if(how in ('exception', 'apology'), 'exception', if(how like '%timeout', 'timeout', 'ok')), stage, is_test,
    if(is_of_session, printf(
        '"session":{"new":%s,"sessionId":"%s","application":{"applicationId":"%s"}%s},',
        is_first or type = 'Connections.Response',
        token('session', concat_ws('/', n, if(n % 4 = 0, null, answer_before))),
        skill_id, if(shape < 4, '', ',"user":{"userId":"' || user_id || '"}')
    ), ''),
    if(shape between 4 and 7 and is_of_session, '', printf(
        '"context":{"System":{"application":{"applicationId":"%s"},"user":{"userId":"%s"},'
        || '"device":{"deviceId":"%d"}}},',
        skill_id, user_id, person
    )),
    type, request_id, if(shape in (8, 9), epoch_ms(moment)::varchar, '"' || iso_seconds(moment) || '"'),
    if(shape between 4 and 7, '', ',"locale":"' || locale || '"'), own, coalesce(answer, 'null')
) as line
from (
    select *, draw(bits, 25, 200) as shape, how <> 'sessionless'
        and regexp_matches(type, '^(Display|Alexa|Connections)[.]|Request$') as is_of_session
    from requests
);

from records
union all
from odd('records', '%"LaunchRequest"%', list_concat(odd_times('received_at'), [
    '{"request":{"request":{"requestId":null}}}', '{"request":{"request":{"type":"Telepathy.Request"}}}',
    '{"request":{"request":{"type":""}}}', '{"request":{"request":{"type":"AlexaSkillEvent.SkillEnabled"}}}',
    '{"request":{"request":{"type":null}}}', '{"request":"{}"}', '{"request":[]}', '{"outcome":"maybe"}',
    '{"responded_at":"2020-01-01T00:00:00Z"}', '{"request":{"request":{"locale":"all"}}}',
    '{"response":{"response":null}}'
]));
