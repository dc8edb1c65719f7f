-- Needs: ses/_shared.sql.
-- Datapoints of a metric stream. Of two contact centres one spells "instance id" of its packet loss in another way.
-- They are busy for ten minutes in a row, three times a day, and then silent. Large samples have more such pairs.
create table busy_minutes as
select
    v.* replace ((account + 2 * pair)::varchar as account),
    day, k, beginning() + to_days(day) + to_minutes(480 + 160 * burst + 13 * day % 100 + k) as moment,
    seeded('minute', concat(id, nullif(pair, 0), moment)) as bits,
from
    range(greatest(events() // days() // 1000, 1)) as p (pair),
    range(days()) as d (day), range(3) as b (burst), range(10) as m (k), (values
        ('7d1c5a52', 300000000001, 'us-east-1', 'Instance ID'),
        ('8e2d6b63', 300000000002, 'eu-west-1', 'InstanceId')
    ) as v (id, account, region, spelling);

-- Metrics with their unit; in how many of 100 minutes they are there; the most of the value, or 1 if it is a counter;
-- the share of it that other samples have, as of errors 0 is a call that went well; how many samples there are at most.
create table metrics as
select
    namespace, dims, unnest(string_split(spec[1], ',')) as metric, spec[2] as unit, spec[3]::integer as per_cent,
    spec[4]::double as most, spec[5]::double as low, spec[6]::integer as samples,
from (select *, string_split(unnest(specs), ' ') as spec from (values
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"VoiceCalls"', [
        'CallsPerInterval Count 80 1 1 5', 'MissedCalls,ThrottledCalls Count 10 1 1 3',
        'MisconfiguredPhoneNumbers None 5 1 1 3'
    ]),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"CallRecordings"', ['CallRecordingUploadError Count 5 1 1 3']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Chats"', ['SuccessfulChatsPerInterval Count 30 1 1 3']),
    -- Came after the vendor's page.
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Emails"', ['ConcurrentEmails Count 5 5 0.8 6']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Queue","QueueName":"<Orders|Returns>"', [
        'QueueSize Count 90 8 1 1', 'LongestQueueWaitTime Seconds 90 300 0.8 6',
        'QueueCapacityExceededError,CallBackNotDialableNumber Count 7 1 1 2'
    ]),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"ContactFlow","ContactFlowName":"<Welcome|After hours>"',
        ['ContactFlowErrors,ContactFlowFatalErrors Count 10 1 1 4']),
    -- Of one of the centres by flow as well.
    ('AWS/Connect', '"InstanceId":"7d1c5a52","MetricGroup":"ContactFlow","ContactFlowName":"<Welcome|After hours>"',
        ['CallBackNotDialableNumber,PublicSigningKeyUsage Count 5 1 1 4']),
    ('AWS/Connect', '"InstanceId":"$id","SigningKeyId":"key-0001"', ['PublicSigningKeyUsage Count 10 1 1 3']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Tasks","ContactId":"$contact"',
        ['TasksExpired,TasksExpiryWarningReached Count 4 1 1 1']),
    ('AWS/Connect', '"Participant":"Agent","Type of Connection":"WebRTC","$spelling":"$id","Stream Type":"Voice"',
        ['ToInstancePacketLossRate Percent 35 0.03 0.8 6']),
    ('VoiceID', '"API":"<EvaluateSession|ListSpeakers>"',
        ['RequestLatency Milliseconds 20 440 0.01 9', 'UserErrors,SystemErrors,Throttles Count 5 1 0 9']),
    ('VoiceID', '"Domain":"$id"', ['ActiveSessions,Speakers,Fraudsters,ActiveSpeakerEnrollmentJobs,'
        || 'ActiveFraudsterRegistrationJobs Count 20 20 0.2 1']),
    ('AWS/AppIntegrations', '$crm,"IntegrationType":"DataIntegration"', [
        'RecordsDownloaded,RecordsFailed Count 10 900 1 1', 'DataDownloaded Bytes 10 660000 1 1',
        'DataProcessingDuration Milliseconds 10 2700 1 1'
    ]),
    -- Amazon's page has Bytes for two counts.
    ('AWS/AppIntegrations', '$crm,"IntegrationType":"EventIntegration"', [
        'EventsReceived,EventsProcessed Count 10 1 1 20', 'EventProcessingDuration Milliseconds 10 90 0.2 18',
        'EventsThrottled,EventsFailed Bytes 4 1 1 2'
    ]),
    -- Of a namespace that nobody asked for.
    ('AWS/EC2', '"InstanceId":"$id"', ['CPUUtilization Percent 3 90 0.8 1'])
) as v (namespace, dims, specs));

create table datapoints as
with of_metrics as (
    select
        account, region, namespace, metric, unit, moment, drawn as bits, 1 + draw(drawn, 13, samples) as samples,
        if(most = 1, 1, most * pow(draw(drawn, 9, 1000) / 1000, if(most < 1, 3, 1))) as high, high * low as low,
        fill(choose(dims, k), [
            ['$crm', '"AccountId":"$account","Region":"$region","ClientId":"crm","IntegrationARN":"arn:aws:$region"'],
            ['$account', account], ['$region', region], ['$id', id], ['$spelling', spelling],
            ['$contact', concat(metric, bits)]
        ]) as dims,
    from (select *, seeded(dims || metric, bits) as drawn from busy_minutes, metrics)
    where draw(drawn, 3, 100) < per_cent
),

-- Levels with their share of the quota: a fraction for calls, a percentage for the others, of which half a percent
-- might be taken for a half. Once a week the quota isn't enough.
levels as (
    select
        account, region, 'AWS/Connect' as namespace, moment, stir(bits, quota) as bits, 1 as samples,
        unnest([level, level || 'Percentage'] || if(used > quota, [breaches], [])) as metric,
        if(metric like '%Percentage', 'Percent', 'Count') as unit,
        case metric when level then used when breaches then 1 else scale * used / quota end as high, high as low,
        printf('"InstanceId":"%s","MetricGroup":"%s"', id, kind) as dims,
    from (
        select *, case when k = 0 and day % 7 = 3 then quota * 1.25 when k = 9 then quota / 200
            else round(quota * 0.6 * draw(stir(bits, quota), 9, 1000) / 1000) end as used
        from busy_minutes, (values
            ('Tasks', 'ConcurrentTasks', 'TasksBreachingConcurrencyQuota', 2000, 100),
            ('VoiceCalls', 'ConcurrentCalls', 'CallsBreachingConcurrencyQuota', 40, 1),
            ('Chats', 'ConcurrentActiveChats', 'ChatsBreachingActiveChatQuota', 200, 100)
        ) as family (kind, level, breaches, quota, scale)
    )
),

-- What CloudWatch counts of SES' events, of the last days alone as the stream was switched on late. It isn't quite what
-- the events say: a few datapoints are missing, a few too large.
email as (
    select
        account, region, 'AWS/SES' as namespace, metric, 'Count' as unit, moment, dims,
        seeded('counted', concat_ws('/', account, metric, dims, moment)) as bits,
        count(distinct (n, j)) + (draw(bits, 5, 100) = 1)::integer as samples, 1 as high, 1 as low,
    from (
        select
            * exclude (bits) replace (date_trunc('minute', moment) as moment),
            unnest(['', if(tagging = 'tagged', '"ses:configuration-set":"' || set || '"', null)]) as dims,
            case
                when step ilike 'rendering%' then 'Rendering Failure'
                else regexp_extract(step, '^(Send|Delivery|Bounce:Permanent|Complaint|Open|Click|Reject)(:|$)', 1)
            end.replace(':Permanent', '') as metric,
        from ses_arrivals join senders using (sender)
        where moment >= ending() - interval 7 days
    )
    where metric <> '' and dims is not null
    group by account, region, metric, moment, dims
    having draw(bits, 5, 100) > 0
),

-- A set that bounces more and more passes the limits. Fractions, of whatever unit.
reputation as (
    select
        account, region, 'AWS/SES' as namespace, unit, ending() - to_hours(168 - h) as moment, dims,
        unnest(['Reputation.BounceRate', 'Reputation.ComplaintRate']) as metric, 1 as samples,
        seeded('reputation', concat(dims, h)) as bits, 0 as low,
        if(metric like '%Bounce%', worse * (0.02 + 0.00017 * h), 0.0005) as high,
    from range(168) as r (h), (values
        ('300000000001', 'us-east-1', '', 'Percent', 1), ('300000000002', 'eu-west-1', '', 'None', 1),
        ('300000000001', 'us-east-1', '"ses:configuration-set":"shop"', 'Percent', 2.5)
    ) as v (account, region, dims, unit, worse)
)

from of_metrics union all by name from levels union all by name from email union all by name from reputation;

-- A few come again in another stream; a few are sent before all of it is known; some publish sums without the extremes,
-- some percentiles.
create table records as
select unnest(arrivals(moment + interval 1 minute, stir(bits, len(version)))) as arrived, fill(
    '{"metric_stream_name":"$stream","account_id":"$account","region":"$region","namespace":"$namespace",'
    || '"metric_name":"$metric","dimensions":{$dims},"timestamp":$at,"unit":"$unit","value":{"max":$max,"min":$min,'
    || '"sum":$sum,"count":$count,"p99":$percentile,"TM(25%:75%)":$percentile}}', [
        ['$stream', if(version = 'again', 'contact-centre-only', 'all-metrics')], ['$account', account],
        ['$region', region], ['$namespace', namespace], ['$metric', metric], ['$dims', dims],
        ['$at', epoch_ms(moment)::varchar], ['$unit', unit], ['$max', if(is_flat, 0, high)::varchar],
        ['$min', if(is_flat, 0, if(number = 1, high, low))::varchar], ['$sum', (high + low * (number - 1))::varchar],
        ['$count', number::varchar],
        ['$percentile', if(metric in ('LongestQueueWaitTime', 'RequestLatency'), high, null)::varchar]
    ]
) as line
from (
    select
        * replace (round(high::double, 6) as high, round(low::double, 6) as low),
        if(version = 'early', 1, samples) as number,
        metric in ('CallsPerInterval', 'ContactFlowErrors', 'EventsReceived') and draw(bits, 29, 20) = 0 as is_flat,
    from (
        select
            *, unnest([''] || case draw(bits, 33, 50) when 0 then ['again'] when 1 then ['early'] else [] end) as version,
        from datapoints where within_days(moment)
    )
);

from with_odd('records', '%ConcurrentCalls"%', odd_times('timestamp') || [
    '{"timestamp":253402300799000}', '{"metric_name":null}', '{"namespace":null}', '{"value":{"sum":"many"}}'
]);
