-- Calls of custom skills, as their owner's endpoint logs them.

-- Requests by kind and number of parameters, or by skill and a number. `$2` is the second parameter.
create table forms as from (values
    ('launch1', 'LaunchRequest', ''),
    ('launch2', 'LaunchRequest', ',"task":{"name":"AMAZON.ScheduleFoodDelivery"}'),
    ('quiz0', 'IntentRequest', ',"intent":{"name":"AnswerIntent","slots":{"answer":{"name":"answer","value":"寿司",'
        || '"resolutions":{"resolutionsPerAuthority":[{"status":{"code":"ER_SUCCESS_<MATCH|NO_MATCH>"}}]}}}}'),
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
    *,
    if(how = 'timeout', null, coalesce(
        map {'late': 9200, 'late-timeout': 10500, 'just-in-time': 8000}[how],
        30 + draw(own_bits, 11, 400) * if(draw(own_bits, 13, 30) = 0, 6, 1)
    )) as takes,
    case
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
    end as answer,
    draw(bits, 25, 100) as shape,
    how <> 'sessionless' and regexp_matches(type, '^(Display|Alexa|Connections)[.]|Request$') as is_of_session,
    -- Delivered again, as the first answer was lost on its way.
    unnest(if(draw(own_bits, 17, 300) = 0, [moment, moment + interval 900 milliseconds], [moment])) as received_at,
from (
    select
        happened.*, coalesce(type, p[1]) as type, coalesce(own, ',"token":"track-1"') as own,
        row_number() over life = 1 as is_first, lag(id) over life as cause,
        max(if(type = 'Connections.Response', j, null)) over life as answer_before,
    from happened
    left join forms on form = if(p[1] = 'ask', skill || draw(own_bits, 15, if(skill = 'quiz', 3, 2)), p[1] || len(p))
    where not regexp_matches(step, '^[!$>#@]')
    window life as (partition by n order by j)
);

-- Some are of 2016: no context and no locale, the user in the context alone, the time as a number.
create table records as
select unnest(arrivals(received_at, own_bits)) as arrived, fill_with_nulls(
    '{"received_at":"$received","responded_at":"$responded","outcome":"$outcome","stage":"$stage","is_test":$test,'
    || '"request":{"version":"1.0"$session$context,"request":{"type":"$type","requestId":"$id","timestamp":$time'
    || if(shape in (2, 3), '', ',"locale":"$locale"') || choose(own, n % 2) || '}},"response":$response}', [
        ['$received', clock(n, received_at)], ['$responded', clock(n, received_at + to_milliseconds(takes))],
        ['$outcome', case
            when how in ('exception', 'apology') then 'exception' when how like '%timeout' then 'timeout' else 'ok'
        end],
        ['$stage', stage], ['$test', is_test::varchar],
        ['$response', '{"version":"1.0","response":{' || answer || '}}'],
        ['$session', if(is_of_session, ',"session":{"new":$new,"sessionId":"session-$life-$answered",'
            || '"application":{"applicationId":"$skill"}' || if(shape < 2, '}', ',"user":{"userId":"$user"}}'), '')],
        ['$context', if(shape in (2, 3) and is_of_session, '', ',"context":{"System":{'
            || '"application":{"applicationId":"$skill"},"user":{"userId":"$user"},"device":{"deviceId":"$person"}}}')],
        ['$new', (is_first or type = 'Connections.Response')::varchar],
        ['$answered', if(n % 4 = 0, 0, coalesce(answer_before, 0))::varchar], ['$skill', skill_id], ['$user', user_id],
        ['$person', person::varchar], ['$type', type], ['$id', id], ['$locale', locale],
        ['$time', if(shape = 4, epoch_ms(moment)::varchar, '"' || iso_seconds(moment) || '"')],
        ['$life', token('life', n)], ['$2', p[2]], ['$3', p[3]], ['$product', product], ['$cause', cause]
    ]
) as line
from requests;

from with_odd('records', '%"LaunchRequest"%', odd_times('received_at') || [
    '{"request":{"request":{"requestId":null}}}', '{"request":{"request":{"type":"Telepathy.Request"}}}',
    '{"request":{"request":{"type":"AlexaSkillEvent.SkillEnabled"}}}', '{"request":{"request":{"type":null}}}',
    '{"request":"{}"}', '{"request":[]}', '{"outcome":"maybe"}', '{"responded_at":"2020-01-01T00:00:00Z"}',
    '{"request":{"request":{"locale":"all"}}}', '{"response":{"response":null}}'
]);
