-- Needs: ses/_shared.sql.
-- Datapoints of a metric stream. Two contact centres with their quotas: one spells "instance id" of
-- its packet loss in another way, and has two metrics by flow as well.
create macro dimension(name, value) as concat('"', name, '":"', value, '"');
create table instances as from (values
    (
        '7d1c5a52-0000-4000-8000-00000000c0a1', '300000000001', 'us-east-1', 'Instance ID',
        {calls: 40, chats: 100, tasks: 2000}, ['Orders', 'Returns'], ['Welcome', 'After hours']
    ),
    (
        '7d1c5a52-0000-4000-8000-00000000c0a2', '300000000002', 'eu-west-1', 'InstanceId',
        {calls: 10, chats: 40, tasks: 2500}, ['Service'], ['Welkom']
    )
) as v (id, account, region, connection, quotas, queues, flows);

-- They are busy for some minutes in a row, three times a day, and then silent.
create table busy_minutes as
select *, seeded('minute', concat(id, moment)) as bits
from (
    select instances.*, day, k, beginning() + to_days(day) + to_minutes(
        480 + 160 * burst + draw(seeded('burst', concat(id, day, burst)), 7, 140) + k
    ) as moment
    from instances, range(days()) as d (day), range(3) as b (burst), range(10) as m (k)
);

-- In how many of 1,000 minutes a metric is there; the most of its value, or 1 if it is a counter;
-- the share of it that its other samples have; how many samples there are at most.
create table metrics as
select *, row_number() over (order by namespace, metric, dims) as number
from (values
    ('AWS/Connect', 'VoiceCalls', 'CallsPerInterval', 'Count', 830, 1, 1, 5),
    ('AWS/Connect', 'VoiceCalls', 'MissedCalls', 'Count', 150, 1, 1, 3),
    ('AWS/Connect', 'VoiceCalls', 'ThrottledCalls', 'Count', 40, 1, 1, 3),
    ('AWS/Connect', 'VoiceCalls', 'MisconfiguredPhoneNumbers', 'None', 30, 1, 1, 3),
    ('AWS/Connect', 'CallRecordings', 'CallRecordingUploadError', 'Count', 30, 1, 1, 3),
    ('AWS/Connect', 'Chats', 'SuccessfulChatsPerInterval', 'Count', 300, 1, 1, 3),
    ('AWS/Connect', 'queue', 'QueueSize', 'Count', 700, 8, 1, 1),
    ('AWS/Connect', 'queue', 'LongestQueueWaitTime', 'Seconds', 600, 300, 0.8, 6),
    ('AWS/Connect', 'queue', 'QueueCapacityExceededError', 'Count', 30, 1, 1, 1),
    ('AWS/Connect', 'queue', 'CallBackNotDialableNumber', 'Count', 40, 1, 1, 2),
    ('AWS/Connect', 'flow too', 'CallBackNotDialableNumber', 'Count', 40, 1, 1, 2),
    ('AWS/Connect', 'flow', 'ContactFlowErrors', 'Count', 60, 1, 1, 4),
    ('AWS/Connect', 'flow', 'ContactFlowFatalErrors', 'Count', 10, 1, 1, 1),
    ('AWS/Connect', 'key', 'PublicSigningKeyUsage', 'Count', 100, 1, 1, 3),
    ('AWS/Connect', 'flow too', 'PublicSigningKeyUsage', 'Count', 100, 1, 1, 3),
    ('AWS/Connect', 'contact', 'TasksExpired', 'Count', 20, 1, 1, 1),
    ('AWS/Connect', 'contact', 'TasksExpiryWarningReached', 'Count', 20, 1, 1, 1),
    -- Came after the vendor's page.
    ('AWS/Connect', 'Emails', 'ConcurrentEmails', 'Count', 50, 5, 0.8, 6),
    ('AWS/Connect', 'line', 'ToInstancePacketLossRate', 'Percent', 350, 0.03, 0.8, 6),
    -- Of errors 0 is a call that went well.
    ('VoiceID', 'api', 'RequestLatency', 'Milliseconds', 200, 440, 0.01, 9),
    ('VoiceID', 'api', 'UserErrors', 'Count', 60, 1, 0, 9),
    ('VoiceID', 'api', 'SystemErrors', 'Count', 20, 1, 0, 9),
    ('VoiceID', 'api', 'Throttles', 'Count', 40, 1, 0, 9),
    ('VoiceID', 'domain', 'ActiveSessions', 'Count', 200, 5, 0.2, 9),
    ('VoiceID', 'domain', 'Speakers', 'Count', 200, 1200, 0, 1),
    ('VoiceID', 'domain', 'Fraudsters', 'Count', 200, 20, 0, 1),
    ('VoiceID', 'domain', 'ActiveSpeakerEnrollmentJobs', 'Count', 200, 3, 0, 1),
    ('VoiceID', 'domain', 'ActiveFraudsterRegistrationJobs', 'Count', 50, 1, 0, 1),
    ('AWS/AppIntegrations', 'data', 'RecordsDownloaded', 'Count', 100, 900, 0.1, 1),
    ('AWS/AppIntegrations', 'data', 'RecordsFailed', 'Count', 30, 9, 0.1, 1),
    ('AWS/AppIntegrations', 'data', 'DataDownloaded', 'Bytes', 100, 660000, 0.1, 1),
    ('AWS/AppIntegrations', 'data', 'DataProcessingDuration', 'Milliseconds', 100, 2700, 0.1, 1),
    ('AWS/AppIntegrations', 'event', 'EventsReceived', 'Count', 100, 1, 1, 20),
    ('AWS/AppIntegrations', 'event', 'EventsProcessed', 'Count', 90, 1, 1, 18),
    ('AWS/AppIntegrations', 'event', 'EventProcessingDuration', 'Milliseconds', 90, 90, 0.2, 18),
    ('AWS/AppIntegrations', 'event', 'EventsThrottled', 'Count', 30, 1, 1, 2),
    ('AWS/AppIntegrations', 'event', 'EventsFailed', 'Count', 30, 1, 1, 2),
    -- Of a namespace that nobody asked for.
    ('AWS/EC2', 'domain', 'CPUUtilization', 'Percent', 30, 90, 0.8, 1)
) as v (namespace, dims, metric, unit, per_mille, most, low, samples);

create table datapoints as
with connect as (
    select
        account, region, namespace, metric, unnest(case dims
            when 'queue' then [[instance, '"MetricGroup":"Queue"', dimension('QueueName', q)] for q in queues]
            when 'flow' then
                [[instance, '"MetricGroup":"ContactFlow"', dimension('ContactFlowName', f)] for f in flows]
            when 'flow too' then
                [[instance, '"MetricGroup":"ContactFlow"', dimension('ContactFlowName', flows[1])]]
            when 'key' then [[instance, '"SigningKeyId":"key-0001"']]
            when 'line' then [[
                '"Participant":"Agent"', '"Type of Connection":"WebRTC"', dimension(connection, id),
                '"Stream Type":"Voice"'
            ]]
            when 'contact' then [[
                instance, '"MetricGroup":"Tasks"', dimension('ContactId', uuid_of(token(metric, bits)))
            ]]
            when 'api' then [[dimension('API', ['EvaluateSession', 'ListSpeakers', 'OptOutSpeaker',
                'DeleteSpeaker', 'DeleteFraudster', 'StartSpeakerJob'][1 + k % 6])]]
            when 'domain' then [['"Domain":"Vd0000000000000000000A"']]
            when 'data' then [integration || ['"IntegrationType":"DataIntegration"']]
            when 'event' then [integration || ['"IntegrationType":"EventIntegration"']]
            else [[instance, dimension('MetricGroup', dims)]]
        end) as dims,
        -- Amazon's page has Bytes for two counts of events; one account's records have that, too.
        if(metric in ('EventsThrottled', 'EventsFailed') and region = 'us-east-1', 'Bytes', unit) as unit,
        moment, drawn as bits,
        if(most = 1, 1, most * pow(draw(drawn, 9, 1000) / 1000, if(most < 1, 3, 1))) as high,
        high * low as low, 1 + draw(drawn, 13, samples) as samples,
        metric in ('LongestQueueWaitTime', 'RequestLatency') as has_percentiles,
    from (
        select
            *, stir(bits, number) as drawn, dimension('InstanceId', id) as instance,
            [
                dimension('AccountId', account), '"ClientId":"app-integrations.example"',
                dimension('IntegrationARN', concat('arn:aws:app-integrations:', region, ':crm')),
                dimension('Region', region),
            ] as integration,
        from busy_minutes, metrics
    )
    where
        draw(drawn, 3, 1000) < per_mille
        and (dims <> 'flow too' or connection = 'Instance ID')
        and (namespace not in ('VoiceID', 'AWS/EC2') or region = 'us-east-1')
),

-- Levels with their share of the quota: a fraction for calls, a whole percentage for chats, a
-- percentage for tasks, of which half a percent might be taken for a half. Now and then one of the
-- two is missing. Once a week the quota isn't enough.
levels as (
    select
        *, stir(bits, key) as drawn, k = 0 and day % 7 = key as is_breach,
        case when is_breach then quota * (1 + above) when key = 1 and k = 9 then quota / 200
            else round(quota * busy * draw(drawn, 9, 1000) / 1000) end as high,
    from (
        select *, [quotas.tasks, quotas.calls, quotas.chats][key] as quota
        from busy_minutes, (values
            (1, 'Tasks', 'ConcurrentTasks', 'TasksBreachingConcurrencyQuota', 100, 0.1, 0.005),
            (2, 'VoiceCalls', 'ConcurrentCalls', 'CallsBreachingConcurrencyQuota', 1, 0.6, 0.25),
            (3, 'Chats', 'ConcurrentActiveChats', 'ChatsBreachingActiveChatQuota', 100, 0.3, 0.1)
        ) as family (key, kind, level, breaches, scale, busy, above)
    )
),

with_shares as (
    select
        account, region, 'AWS/Connect', unnest([level, level || 'Percentage', if(is_breach, breaches, null)]),
        [dimension('InstanceId', id), dimension('MetricGroup', kind)], unnest(['Count', 'Percent', 'Count']),
        moment, drawn,
        unnest([high, if(key = 3, round(scale * high / quota), scale * high / quota), 1]) as high,
        unnest([high, if(key = 3, round(scale * high / quota), scale * high / quota), 1]),
        unnest([1, 1, greatest((quota * above)::bigint, 1)]), false,
    from levels
    where is_breach or draw(drawn, 3, 10) < 7
),

-- What CloudWatch counts of SES' events, of the last days alone as the stream was switched on late.
-- It isn't quite what the events say: a few datapoints are missing, a few too large.
email as (
    select
        account, region, 'AWS/SES', metric, dims, 'Count', moment, bits, 1, 1,
        events + if(draw(bits, 5, 100) = 1, 1, 0), false,
    from (
        select
            account, region, metric, dims,
            time_bucket(to_minutes(if(events() < 200000, 1, 5)), moment) as minute,
            minute as moment,
            count(distinct (n, j)) as events,
            seeded('counted', concat_ws('/', account, metric, dims::varchar, minute)) as bits,
        from (
            select *, unnest(if(
                set is null or tagging <> 'tagged', [[]], [[], [dimension('ses:configuration-set', set)]]
            )) as dims, case
                when step ilike 'rendering%' then 'Rendering Failure'
                when step like 'Bounce:Permanent%' then 'Bounce'
                else nullif(nullif(nullif(split_part(step, ':', 1), 'Bounce'), 'DeliveryDelay'), 'Subscription')
            end as metric
            from ses_arrivals
            join senders using (sender)
            where moment >= ending() - interval 7 days
        )
        where metric is not null
        group by all
    )
    where draw(bits, 5, 100) > 0
),

-- A set that bounces more and more passes the limits. Fractions, of whatever unit.
reputation as (
    select
        account, region, 'AWS/SES', unnest(['Reputation.BounceRate', 'Reputation.ComplaintRate']),
        if(set is null, [], [dimension('ses:configuration-set', set)]), unit, moment,
        seeded('reputation', concat(set, moment)), unnest([worse * (0.02 + 0.00017 * h), worse * 0.0005]),
        0, 1, false,
    from (select h, ending() - to_hours(168 - h) as moment from range(168) as r (h)), (values
        ('300000000001', 'us-east-1', null, 'Percent', 1),
        ('300000000001', 'us-east-1', 'shop', 'Percent', 2.5),
        ('300000000002', 'eu-west-1', 'alerts', 'None', 1)
    ) as v (account, region, set, unit, worse)
)

from connect union all from with_shares union all from email union all from reputation;

-- A few come again in another stream, with their dimensions in another order; a few are sent before
-- all of it is known; some publish sums without the extremes.
create table records as
select
    unnest(arrivals(moment + interval 1 minute, stir(bits, len(version)))) as arrived,
    concat(
        '{"metric_stream_name":"', if(version = 'reversed', 'contact-centre-only', 'all-metrics'),
        '","account_id":"', account, '","region":"', region, '","namespace":"', namespace,
        '","metric_name":"', metric, '","dimensions":{',
        array_to_string(if(version = 'reversed', list_reverse(dims), dims), ','),
        '},"timestamp":', epoch_ms(moment),
        ',"value":{"max":', if(is_flat, 0, round(high::double, 6)),
        ',"min":', if(is_flat, 0, round(if(samples = 1, high, low)::double, 6)),
        ',"sum":', round((high + low * (if(version = 'early', 0, samples - 1)))::double, 6),
        ',"count":', if(version = 'early', 1, samples)::double,
        if(has_percentiles, concat(
            ',"p99":', round(high * 0.98, 6), ',"TM(25%:75%)":', round(high * 0.6, 6)
        ), ''),
        '},"unit":"', unit, '"}'
    ) as line,
from (
    select
        *,
        metric in ('CallsPerInterval', 'ContactFlowErrors', 'EventsReceived') and draw(bits, 29, 20) = 0
            as is_flat,
        unnest(case draw(bits, 33, 50)
            when 0 then ['whole', 'reversed'] when 1 then ['whole', 'early'] else ['whole']
        end) as version,
    from datapoints
    where metric is not null and within_days(moment)
);

create table odd_records as
from odd('records', '%ConcurrentCalls"%', list_concat(odd_times('timestamp'), [
    '{"timestamp":253402300799000}', '{"timestamp":-62135596800000}', '{"namespace":null}',
    '{"metric_name":null}', '{"value":{"sum":"many"}}', '{"value":{"count":null}}'
]));

from records
union all
from odd_records;
