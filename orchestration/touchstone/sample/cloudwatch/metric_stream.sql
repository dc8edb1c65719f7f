-- Needs: ses/_shared.sql.
-- Datapoints of a metric stream. Of two contact centres one spells "instance id" of its packet loss in another way.
-- They are busy for ten minutes in a row, three times a day, and then silent.
create table busy_minutes as
select
    v.*, day, k, beginning() + to_days(day) + to_minutes(480 + 160 * burst + 13 * day % 100 + k) as moment,
    seeded('minute', concat(id, moment)) as bits,
from
    range(days()) as d (day), range(3) as b (burst), range(10) as m (k),
    (values
        ('7d1c5a52', '300000000001', 'us-east-1', 'Instance ID'),
        ('8e2d6b63', '300000000002', 'eu-west-1', 'InstanceId')
    ) as v (id, account, region, spelling);

-- In how many of 100 minutes a metric is there; the most of its value, or 1 if it is a counter; the share of it that
-- its other samples have, as of errors 0 is a call that went well; how many samples there are at most.
create table metrics as
select * exclude (metrics), row_number() over (order by namespace, dims, metric) as number,
from (select *, unnest(metrics) as metric from (values
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"VoiceCalls"', 'Count', 80, 1, 1, 5, ['CallsPerInterval']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"VoiceCalls"', 'Count', 10, 1, 1, 3,
        ['MissedCalls', 'ThrottledCalls']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"VoiceCalls"', 'None', 5, 1, 1, 3, ['MisconfiguredPhoneNumbers']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"CallRecordings"', 'Count', 5, 1, 1, 3,
        ['CallRecordingUploadError']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Chats"', 'Count', 30, 1, 1, 3, ['SuccessfulChatsPerInterval']),
    -- Came after the vendor's page.
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Emails"', 'Count', 5, 5, 0.8, 6, ['ConcurrentEmails']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Queue","QueueName":"$queue"', 'Count', 90, 8, 1, 1,
        ['QueueSize']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Queue","QueueName":"$queue"', 'Seconds', 90, 300, 0.8, 6,
        ['LongestQueueWaitTime']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Queue","QueueName":"$queue"', 'Count', 7, 1, 1, 2,
        ['QueueCapacityExceededError', 'CallBackNotDialableNumber']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"ContactFlow","ContactFlowName":"$flow"', 'Count', 10, 1, 1, 4,
        ['ContactFlowErrors', 'ContactFlowFatalErrors', 'CallBackNotDialableNumber', 'PublicSigningKeyUsage']),
    ('AWS/Connect', '"InstanceId":"$id","SigningKeyId":"key-0001"', 'Count', 10, 1, 1, 3, ['PublicSigningKeyUsage']),
    ('AWS/Connect', '"InstanceId":"$id","MetricGroup":"Tasks","ContactId":"$contact"', 'Count', 4, 1, 1, 1,
        ['TasksExpired', 'TasksExpiryWarningReached']),
    ('AWS/Connect', '"Participant":"Agent","Type of Connection":"WebRTC","$spelling":"$id","Stream Type":"Voice"',
        'Percent', 35, 0.03, 0.8, 6, ['ToInstancePacketLossRate']),
    ('VoiceID', '"API":"$api"', 'Milliseconds', 20, 440, 0.01, 9, ['RequestLatency']),
    ('VoiceID', '"API":"$api"', 'Count', 5, 1, 0, 9, ['UserErrors', 'SystemErrors', 'Throttles']),
    ('VoiceID', '"Domain":"$id"', 'Count', 20, 20, 0.2, 1,
        ['ActiveSessions', 'Speakers', 'Fraudsters', 'ActiveSpeakerEnrollmentJobs', 'ActiveFraudsterRegistrationJobs']),
    ('AWS/AppIntegrations', 'DataIntegration', 'Count', 10, 900, 1, 1, ['RecordsDownloaded', 'RecordsFailed']),
    ('AWS/AppIntegrations', 'DataIntegration', 'Bytes', 10, 660000, 1, 1, ['DataDownloaded']),
    ('AWS/AppIntegrations', 'DataIntegration', 'Milliseconds', 10, 2700, 1, 1, ['DataProcessingDuration']),
    ('AWS/AppIntegrations', 'EventIntegration', 'Count', 10, 1, 1, 20, ['EventsReceived', 'EventsProcessed']),
    ('AWS/AppIntegrations', 'EventIntegration', 'Milliseconds', 10, 90, 0.2, 18, ['EventProcessingDuration']),
    -- Amazon's page has this unit for two counts.
    ('AWS/AppIntegrations', 'EventIntegration', 'Bytes', 4, 1, 1, 2, ['EventsThrottled', 'EventsFailed']),
    -- Of a namespace that nobody asked for.
    ('AWS/EC2', '"InstanceId":"$id"', 'Percent', 3, 90, 0.8, 1, ['CPUUtilization'])
) as v (namespace, dims, unit, per_cent, most, low, samples, metrics));

create table datapoints as
with of_metrics as (
    select
        account, region, namespace, metric, unit, moment, drawn as bits, 1 + draw(drawn, 13, samples) as samples,
        if(most = 1, 1, most * pow(draw(drawn, 9, 1000) / 1000, if(most < 1, 3, 1))) as high, high * low as low,
        replace(replace(replace(replace(replace(replace(
            if(contains(dims, 'Integration'), printf('"AccountId":"%s","ClientId":"crm.example","IntegrationARN":'
                || '"arn:aws:app-integrations:%s:crm","Region":"%s","IntegrationType":"%s"',
                account, region, region, dims
            ), dims),
            '$id', id), '$spelling', spelling), '$contact', token(metric, bits)),
            '$queue', ['Orders', 'Returns'][1 + k % 2]),
            '$flow', ['Welcome', 'After hours'][1 + k % 2]),
            '$api', ['EvaluateSession', 'ListSpeakers'][1 + k % 2]) as dims,
    from (select *, stir(bits, number) as drawn from busy_minutes, metrics)
    where
        draw(drawn, 3, 100) < per_cent
        -- Two metrics of one of the centres come by flow as well.
        and (spelling = 'Instance ID' or not contains(dims, 'ContactFlow') or metric like 'ContactFlow%')
),

-- Levels with their share of the quota: a fraction for calls, a percentage for the others, of which half a percent
-- might be taken for a half. Now and then one of the two is missing. Once a week the quota isn't enough.
levels as (
    select
        account, region, 'AWS/Connect' as namespace,
        unnest(if(is_breach, [level, level || 'Percentage', breaches], pick(bits, 7, [
            [level, level || 'Percentage'], [level, level || 'Percentage'], [level, null], [null, level || 'Percentage']
        ]))) as metric,
        if(metric like '%Percentage', 'Percent', 'Count') as unit, moment, stir(bits, quota) as bits,
        if(metric = breaches, 9, 1) as samples,
        case unit when 'Percent' then scale * used / quota else if(metric = breaches, 1, used) end as high, high as low,
        printf('"InstanceId":"%s","MetricGroup":"%s"', id, kind) as dims,
    from (
        select *, k = 0 and day % 7 = 3 as is_breach, case when is_breach then quota * 1.25 when k = 9 then quota / 200
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
        account, region, 'AWS/SES' as namespace, metric, 'Count' as unit, moment,
        seeded('counted', concat_ws('/', account, metric, dims, moment)) as bits,
        count(distinct (n, j)) + (draw(bits, 5, 100) = 1)::integer as samples, 1 as high, 1 as low, dims,
    from (
        select
            * exclude (bits) replace (date_trunc('minute', moment) as moment), case
                when step ilike 'rendering%' then 'Rendering Failure'
                when step like 'Bounce:Permanent%' then 'Bounce'
                when regexp_matches(step, '^(Send|Delivery|Complaint|Open|Click|Reject)(:|$)')
                    then split_part(step, ':', 1)
            end as metric,
            unnest(['', if(tagging = 'tagged', '"ses:configuration-set":"' || set || '"', null)]) as dims,
        from ses_arrivals
        join senders using (sender)
        where moment >= ending() - interval 7 days
    )
    where metric is not null and dims is not null
    group by account, region, metric, dims, moment
    having draw(bits, 5, 100) > 0
),

-- A set that bounces more and more passes the limits. Fractions, of whatever unit.
reputation as (
    select
        account, region, 'AWS/SES' as namespace,
        unnest(['Reputation.BounceRate', 'Reputation.ComplaintRate']) as metric,
        unit, ending() - to_hours(168 - h) as moment, seeded('reputation', concat(dims, h)) as bits, 1 as samples,
        worse * if(metric like '%Bounce%', 0.02 + 0.00017 * h, 0.0005) as high, 0 as low, dims,
    from range(168) as r (h), (values
        ('300000000001', 'us-east-1', '', 'Percent', 1),
        ('300000000001', 'us-east-1', '"ses:configuration-set":"shop"', 'Percent', 2.5),
        ('300000000002', 'eu-west-1', '"ses:configuration-set":"alerts"', 'None', 1)
    ) as v (account, region, dims, unit, worse)
)

from of_metrics union all by name from levels union all by name from email union all by name from reputation;

-- A few come again in another stream, with their dimensions in another order; a few are sent before all of it is known;
-- some publish sums without the extremes, some percentiles.
create table records as
select unnest(arrivals(moment + interval 1 minute, stir(bits, len(version)))) as arrived, printf(
    '{"metric_stream_name":"%s","account_id":"%s","region":"%s","namespace":"%s","metric_name":"%s","dimensions":{%s},'
    || '"timestamp":%d,"value":%s,"unit":"%s"}',
    if(version = 'reversed', 'contact-centre-only', 'all-metrics'), account, region, namespace, metric,
    if(version = 'reversed', array_to_string(list_reverse(string_split(dims, ',')), ','), dims), epoch_ms(moment),
    json_merge_patch('{}', to_json({
        "max": if(is_flat, 0, high), "min": if(is_flat, 0, if(number = 1, high, low)), "sum": high + low * (number - 1),
        "count": number, p99: if(has_percentiles, high, null), "TM(25%:75%)": if(has_percentiles, high * 0.5, null),
    }))::varchar, unit
) as line
from (
    select
        * replace (round(high::double, 6) as high, round(low::double, 6) as low),
        if(version = 'early', 1, samples) as number,
        metric in ('LongestQueueWaitTime', 'RequestLatency') as has_percentiles,
        metric in ('CallsPerInterval', 'ContactFlowErrors', 'EventsReceived') and draw(bits, 29, 20) = 0 as is_flat,
    from (
        select *, unnest(case draw(bits, 33, 50)
            when 0 then ['whole', 'reversed'] when 1 then ['whole', 'early'] else ['whole']
        end) as version
        from datapoints where metric is not null and within_days(moment)
    )
);

from records
union all
from odd('records', '%ConcurrentCalls"%', list_concat(odd_times('timestamp'), [
    '{"timestamp":253402300799000}', '{"timestamp":-62135596800000}', '{"namespace":null}', '{"metric_name":null}',
    '{"value":{"sum":"many"}}', '{"value":{"count":null}}'
]));
