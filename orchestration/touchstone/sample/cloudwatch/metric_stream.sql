-- Datapoints: of `samples` samples one is `high`, the others are `low`; a counter's samples are all 1.
create table datapoints as
with connect as (
    select
        account, region, 'AWS/Connect' as namespace, metric, dims, unit, moment, stir(bits, number) as bits,
        if(most = 0, 1, most * pow(draw(stir(bits, number), 9, 1000) / 1000, if(most < 1, 3, 1))) as high,
        if(most = 0, 1, high * 0.8) as low,
        1 + draw(stir(bits, number), 13, samples) as samples,
        metric = 'LongestQueueWaitTime' as has_percentiles,
    from busy_minutes
    join connect_metrics using (id)
    where draw(stir(bits, number), 3, 1000) < per_mille
    union all
    select account, region, 'AWS/Connect', level, group_of(id, metric_group), 'Count', moment, family_bits, high, round(high * 0.7), samples, quota = 'calls'
    from levels
    where breach or draw(family_bits, 21, 100) < 96
    union all
    select
        account, region, 'AWS/Connect', level || 'Percentage', group_of(id, metric_group), 'Percent', moment, family_bits,
        if(quota = 'chats', round(scale * high / most), scale * high / most),
        if(quota = 'chats', round(scale * round(high * 0.7) / most), scale * round(high * 0.7) / most), samples, false,
    from levels
    where breach or draw(family_bits, 23, 100) < 96
    union all
    select account, region, 'AWS/Connect', breaches, group_of(id, metric_group), 'Count', moment, family_bits, 1, 1, greatest((most * above)::bigint, 1), false
    from levels
    where breach
    union all
    -- Half a percent of the quota, which might be taken for a half.
    select
        account, region, 'AWS/Connect', unnest(['ConcurrentTasks', 'ConcurrentTasksPercentage']), group_of(id, 'Tasks'),
        unnest(['Count', 'Percent']), midnight + interval 7 hours, seeded('morning', midnight), unnest([quotas.tasks / 200, 0.5]), 0, 1, false,
    from instances, midnights
    union all
    select
        account, region, 'AWS/Connect', metric, list_append(group_of(id, 'Tasks'), dimension('ContactId', uuid_of(token(metric, bits)))),
        'Count', moment, stir(bits, 91), 1, 1, 1, false,
    from busy_minutes, unnest(['TasksExpired', 'TasksExpiryWarningReached']) as r (metric)
    where minute(moment) % 5 = 0 and draw(stir(bits, len(metric)), 3, 10) = 0
),

calls as (
    select *, seeded('voice', concat(midnight, k)) as bits, midnight + to_minutes(540 + draw(seeded('voice', concat(midnight, k)), 7, 480)) as moment
    from midnights, range(8) as r (k)
),

voice_id as (
    select
        '300000000001', 'us-east-1', 'VoiceID', metric,
        if(metric = 'ActiveSessions', ['"Domain":"Vd0000000000000000000A"'], [dimension('API', [
            'EvaluateSession', 'ListSpeakers', 'OptOutSpeaker', 'DeleteSpeaker', 'DeleteFraudster', 'StartSpeakerJob'
        ][1 + (day + k) % 6])]),
        unit, moment, bits,
        -- A sample for each call: of errors 0 is one that went well.
        if(share is null, most * (1 + draw(bits, 11, 100)) / 100, if(draw(stir(bits, share), 13, 100) < share, 1, 0)),
        if(share is null, most / 100, 0), 1 + draw(bits, 17, 9), metric = 'RequestLatency',
    from (select distinct on (moment) * from calls order by moment, k), (values
        ('RequestLatency', 'Milliseconds', 440, null), ('ActiveSessions', 'Count', 5, null),
        ('UserErrors', 'Count', 0, 20), ('SystemErrors', 'Count', 0, 5), ('Throttles', 'Count', 0, 10)
    ) as v (metric, unit, most, share)
    union all
    select
        '300000000001', 'us-east-1', 'VoiceID', unnest(['Speakers', 'Fraudsters', 'ActiveSpeakerEnrollmentJobs', 'ActiveFraudsterRegistrationJobs']),
        ['"Domain":"Vd0000000000000000000A"'], 'Count', midnight + to_minutes(480 + 15 * quarter), seeded('stock', concat(midnight, quarter)),
        unnest([1200 + 3 * day + quarter // 4, 17 + day // 9, quarter % 3, if(quarter = 5, 1, 0)]), 0, 1, false,
    from midnights, range(12) as r (quarter)
    -- Now and then one is missing.
    where draw(seeded('stock', concat(midnight, quarter)), 3, 10) < 9
),

integrations as (
    select
        account, region, 'AWS/AppIntegrations', metric,
        [
            dimension('AccountId', account), '"ClientId":"app-integrations.example"', dimension('IntegrationType', type),
            dimension('IntegrationARN', concat('arn:aws:app-integrations:', region, ':', account, ':crm')), dimension('Region', region)
        ],
        -- Amazon's page has Bytes for two counts of events; one account's records have that, too.
        if(metric in ('EventsThrottled', 'EventsFailed') and region = 'us-east-1', 'Bytes', unit),
        midnight + to_minutes(hour * 60 + draw(seeded(type, concat(midnight, hour)), 7, 20)), stir(seeded(type, concat(midnight, hour, region)), len(metric)),
        if(most is null, 1, most * draw(seeded(type, concat(midnight, hour, region)), 9, 900)), if(most is null, 1, 20),
        if(samples = 1, 1, 1 + draw(seeded(type, concat(midnight, hour, region)), 13, samples)), false,
    from instances, midnights, (values
        ('DataIntegration', [3, 15], 'RecordsDownloaded', 'Count', 1, 1, 10), ('DataIntegration', [3, 15], 'DataDownloaded', 'Bytes', 740, 1, 10),
        ('DataIntegration', [3, 15], 'DataProcessingDuration', 'Milliseconds', 3, 1, 10), ('DataIntegration', [3, 15], 'RecordsFailed', 'Count', 0.01, 1, 3),
        ('EventIntegration', [8, 11, 16], 'EventsReceived', 'Count', null, 20, 10), ('EventIntegration', [8, 11, 16], 'EventsProcessed', 'Count', null, 18, 9),
        ('EventIntegration', [8, 11, 16], 'EventProcessingDuration', 'Milliseconds', 0.1, 18, 9),
        ('EventIntegration', [8, 11, 16], 'EventsThrottled', 'Count', null, 2, 3), ('EventIntegration', [8, 11, 16], 'EventsFailed', 'Count', null, 2, 3)
    ) as v (type, hours, metric, unit, most, samples, of_ten), unnest(hours) as r (hour)
    where draw(stir(seeded(type, concat(midnight, hour, region)), len(metric)), 3, 10) < of_ten
),

-- What CloudWatch counts of SES' events, of the last days alone as the stream was switched on late. It isn't quite what
-- the events say: a few datapoints are missing, a few too large.
counted as (
    select account, region, metric, set, moment, count(*) as events
    from (
        select
            account, region, metric,
            unnest(if(set is null or tagging <> 'tagged', [null], [null, set])) as set,
            time_bucket(to_minutes(if(events() < 200000, 1, 5)), moment) as moment,
        from ses_told
        where is_first and metric is not null and moment >= ending() - interval 7 days
    )
    group by all
),

email as (
    select
        account, region, 'AWS/SES', metric, if(set is null, [], [dimension('ses:configuration-set', set)]), 'Count', moment, bits, 1, 1,
        events + if(draw(bits, 5, 100) = 1, 1, 0), false,
    from (select *, seeded('counted', concat_ws('/', account, region, metric, set, moment)) as bits from counted)
    where draw(bits, 5, 100) > 0
    union all
    -- A set that bounces more and more passes the limits. Fractions, of whatever unit.
    select
        account, region, 'AWS/SES', unnest(['Reputation.BounceRate', 'Reputation.ComplaintRate']),
        if(set is null, [], [dimension('ses:configuration-set', set)]), unit, midnight + to_hours(hour), seeded('reputation', concat(set, hour, midnight)),
        unnest([worse * (0.02 + 0.004 * (day + 7 - days())), worse * 0.0005]), 0, 1, false,
    from midnights, range(24) as r (hour), (values
        ('300000000001', 'us-east-1', null, 'Percent', 1), ('300000000001', 'us-east-1', 'news', 'Percent', 1),
        ('300000000001', 'us-east-1', 'shop', 'Percent', 2.5), ('300000000002', 'eu-west-1', null, 'None', 1),
        ('300000000002', 'eu-west-1', 'alerts', 'None', 1)
    ) as v (account, region, set, unit, worse)
    where midnight >= ending() - interval 7 days
),

-- Of a namespace that nobody asked for.
unasked as (
    select
        '300000000001', 'us-east-1', 'AWS/EC2', 'CPUUtilization', ['"InstanceId":"i-0000000000000c0a1"'], 'Percent',
        midnight + to_hours(hour), seeded('unasked', concat(midnight, hour)), draw(seeded('unasked', concat(midnight, hour)), 7, 90), 0, 1, false,
    from midnights, unnest([6, 18]) as r (hour)
)

from connect union all from voice_id union all from integrations union all from email union all from unasked;

-- A few come again in another stream, with their dimensions in another order; a few are sent before all of it is known.
create table records as
with versions as (
    select
        *,
        seeded('version', concat_ws('/', account, metric, array_to_string(dims, ','), moment)) as version_bits,
        high + low * (samples - 1) as sum,
        -- Some publish sums without the extremes.
        metric in ('CallsPerInterval', 'ContactFlowErrors', 'EventsReceived') and draw(version_bits, 29, 20) = 0 as is_flat,
        unnest(case
            when draw(version_bits, 33, 100) = 0 then ['whole', 'reversed']
            when draw(version_bits, 33, 100) in (1, 2) and samples > 1 then ['whole', 'early']
            else ['whole']
        end) as version,
    from datapoints
    where within_days(moment)
)

select
    unnest(arrivals(moment + interval 1 minute, stir(version_bits, len(version)))) as arrived,
    concat(
        '{"metric_stream_name":"', if(version = 'reversed', 'contact-centre-only', 'all-metrics'), '","account_id":"', account,
        '","region":"', region, '","namespace":"', namespace, '","metric_name":"', metric, '","dimensions":{',
        array_to_string(if(version = 'reversed', list_reverse(dims), dims), ','), '},"timestamp":', epoch_ms(moment),
        ',"value":{"max":', to_json(if(is_flat, 0, round(high::double, 6))), ',"min":',
        to_json(if(is_flat, 0, round(if(samples = 1, high, low)::double, 6))),
        ',"sum":', to_json(round(if(version = 'early', sum * (samples - 1) / samples, sum)::double, 6)),
        ',"count":', to_json(if(version = 'early', samples - 1, samples)::double),
        if(has_percentiles, ',"p99":' || round(high * 0.98, 6) || ',"p99.9":' || round(high * 0.997, 6) || ',"TM(25%:75%)":' || round(high * 0.6, 6), ''),
        '},"unit":"', unit, '"}'
    ) as line,
from versions;

create table odd_records as
with one as (select arrived, line from records where line like '%ConcurrentCalls"%' order by all limit 1)

select arrived, json_merge_patch(line, patch)::varchar as line
from one, (values
    ('{"timestamp":null}'), ('{"timestamp":253402300799000}'), ('{"timestamp":-62135596800000}'),
    ('{"timestamp":"soon"}'), ('{"timestamp":""}'), ('{"namespace":null}'), ('{"metric_name":null}'), ('{"value":{"sum":"many"}}'), ('{"value":{"count":null}}')
) as v (patch);

select arrived, line from records
union all
select arrived, line from odd_records where not clean();
