-- Needs: ses.
create macro dimension(name, value) as concat('"', name, '":"', value, '"');
create macro group_of(id, name) as [dimension('InstanceId', id), dimension('MetricGroup', name)];
create table midnights as select d as day, beginning() + to_days(d) as midnight from range(days()) as r (d);

-- Two contact centres with their quotas, busy for some minutes in a row and then silent. One spells "instance id" of its
-- packet loss in another way, and has two metrics by flow as well.
create table instances as from (values
    (
        '7d1c5a52-0000-4000-8000-00000000c0a1', '300000000001', 'us-east-1', 3, {calls: 40, chats: 100, tasks: 2000},
        ['Orders', 'Returns'], ['Welcome', 'After hours', 'Payment'], 'Instance ID', true
    ),
    (
        '7d1c5a52-0000-4000-8000-00000000c0a2', '300000000002', 'eu-west-1', 2, {calls: 10, chats: 40, tasks: 2500},
        ['Service'], ['Welkom', 'Service uur'], 'InstanceId', false
    )
) as v (id, account, region, bursts, quotas, queues, flows, connection, is_by_flow_too);

create table busy_minutes as
select *, seeded('minute', concat(id, moment)) as bits, moment = min(moment) over (partition by id, day) as is_first
from (
    select distinct instances.*, day, midnight + to_minutes(480 + draw(burst_bits, 7, 480) + k) as moment
    from (
        select instances.id, day, midnight, seeded('burst', concat(instances.id, day, '/', burst)) as burst_bits
        from instances, midnights, range(3) as r (burst)
        where burst < if(isodow(midnight) > 5, 1, bursts)
    )
    join instances using (id), range(16) as r (k)
    where k < 4 + draw(burst_bits, 11, 12)
);

-- A metric of an instance, and in how many of 1,000 minutes it is there. Of a counter `most` is 0.
create table connect_metrics as
select *, row_number() over (order by metric, dims) as number
from (
    select id, metric, unit, per_mille, most, samples, unnest(case which
        when 'queues' then list_transform(queues, lambda q: list_append(group_of(id, 'Queue'), dimension('QueueName', q)))
        when 'flows' then list_transform(flows, lambda f: list_append(group_of(id, 'ContactFlow'), dimension('ContactFlowName', f)))
        when 'one flow' then list_transform(
            if(is_by_flow_too, flows[1:1], []), lambda f: list_append(group_of(id, 'ContactFlow'), dimension('ContactFlowName', f))
        )
        when 'key' then [[dimension('InstanceId', id), dimension('SigningKeyId', 'key-0001')]]
        when 'line' then [[
            dimension('Participant', 'Agent'), dimension('Type of Connection', 'WebRTC'), dimension(connection, id), dimension('Stream Type', 'Voice')
        ]]
        else [group_of(id, which)]
    end) as dims
    from instances, (values
        ('CallsPerInterval', 'VoiceCalls', 'Count', 830, 0, 5),
        ('MissedCalls', 'VoiceCalls', 'Count', 150, 0, 3),
        ('ThrottledCalls', 'VoiceCalls', 'Count', 40, 0, 3),
        ('MisconfiguredPhoneNumbers', 'VoiceCalls', 'None', 30, 0, 3),
        ('CallRecordingUploadError', 'CallRecordings', 'Count', 30, 0, 3),
        ('SuccessfulChatsPerInterval', 'Chats', 'Count', 300, 0, 3),
        ('QueueSize', 'queues', 'Count', 700, 8, 1),
        ('LongestQueueWaitTime', 'queues', 'Seconds', 600, 300, 6),
        ('QueueCapacityExceededError', 'queues', 'Count', 30, 0, 1),
        ('CallBackNotDialableNumber', 'queues', 'Count', 40, 0, 2),
        ('CallBackNotDialableNumber', 'one flow', 'Count', 40, 0, 2),
        ('ContactFlowErrors', 'flows', 'Count', 60, 0, 4),
        ('ContactFlowFatalErrors', 'flows', 'Count', 10, 0, 1),
        ('PublicSigningKeyUsage', 'key', 'Count', 100, 0, 3),
        ('PublicSigningKeyUsage', 'one flow', 'Count', 100, 0, 3),
        -- Came after the vendor's page.
        ('ConcurrentEmails', 'Emails', 'Count', 50, 5, 6),
        ('ToInstancePacketLossRate', 'line', 'Percent', 350, 0.03, 6)
    ) as v (metric, which, unit, per_mille, most, samples)
);

-- Levels with their share of the quota: a fraction for calls, a whole percentage for chats, a percentage for tasks, which
-- are measured every five minutes. Now and then one of the two is missing.
create table levels as
select *, if(breach, most * (1 + above), round(most * busy * draw(family_bits, 9, 1000) / 1000)) as high, 1 + draw(family_bits, 13, 6) as samples
from (
    select
        busy_minutes.*,
        family.*,
        stir(bits, key) as family_bits,
        case quota when 'calls' then quotas.calls when 'chats' then quotas.chats else quotas.tasks end as most,
        day % 7 = key and if(quota = 'tasks', minute(moment) % 15 = 0, is_first) as breach,
    from busy_minutes, (values
        (3, 'VoiceCalls', 'calls', 'ConcurrentCalls', 'CallsBreachingConcurrencyQuota', 1, 0.6, 0.25),
        (5, 'Chats', 'chats', 'ConcurrentActiveChats', 'ChatsBreachingActiveChatQuota', 100, 0.3, 0.1),
        (1, 'Tasks', 'tasks', 'ConcurrentTasks', 'TasksBreachingConcurrencyQuota', 100, 0.1, 0.005)
    ) as family (key, metric_group, quota, level, breaches, scale, busy, above)
)
where breach or (quota <> 'tasks' and draw(family_bits, 3, 10) < 7) or (quota = 'tasks' and minute(moment) % 5 = 0);
