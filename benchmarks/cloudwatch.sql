-- The baseline for CloudWatch: the same gzip files with declared columns, deduplicated, counted by metric and set of
-- dimensions, and in the wide marts of Connect, Voice ID and AppIntegrations, at three grains. It takes a metric's dimension
-- sets for one row of a wide mart to be one, as in the sample.
-- What stands after `-- stage:` names the statements up to the next one in the benchmark's table.

-- stage: read, deduplicate
create table lines as
from read_json(
    '{inbox}/cloudwatch/metric_stream/**/*.gz', format = 'newline_delimited', compression = 'gzip',
    columns = {
        'account_id': 'varchar', 'region': 'varchar', 'namespace': 'varchar', 'metric_name': 'varchar',
        'dimensions': 'json', 'timestamp': 'bigint', 'unit': 'varchar', 'value': 'json'
    }
)
where namespace in ('AWS/SES', 'AWS/Connect', 'VoiceID', 'AWS/AppIntegrations');

-- The same dimensions in any order are one set; of the many datapoints few differ in them.
create table dimension_sets as
select
    dimensions as "text", map_from_entries(list_sort(map_entries(dimensions::map(varchar, varchar)))) as by_name,
    to_json(by_name)::varchar as dimensions
from (select distinct dimensions from lines);

create table datapoints as
select *
from (
    select
        lines.* exclude ("timestamp", dimensions), by_name, dimension_sets.dimensions,
        make_timestamp_ms("timestamp") as "at",
        unnest(json_transform("value", '{"count": "DOUBLE", "sum": "DOUBLE", "min": "DOUBLE", "max": "DOUBLE"}'))
    from lines join dimension_sets on lines.dimensions = "text"
)
qualify row_number() over (
    partition by account_id, region, namespace, metric_name, dimensions, "at"
    order by "count" desc, sum desc, "max" desc, "min" desc, unit
) = 1;

create table statistics as
select * exclude ("key"), "value" ->> ('$."' || "key" || '"') as reported
from (
    select
        account_id, region, namespace, metric_name, dimensions, "at", unit, "value", unnest(json_keys("value")) as "key"
    from datapoints
    where len(json_keys("value")) > 4
)
where "key" not in ('count', 'sum', 'min', 'max');

-- Tasks expire by contact: their totals are by instance.
create table totals as
select
    account_id, region, namespace, metric_name, "at", by_name, to_json(by_name)::varchar as dimensions, max(unit) as unit,
    sum("count") as "count", sum(sum) as sum, min("min") as "min", max("max") as "max"
from (
    select * replace (map_from_entries(list_filter(map_entries(by_name), lambda d: d.key <> 'ContactId')) as by_name)
    from datapoints
    where metric_name in ('TasksExpired', 'TasksExpiryWarningReached') and by_name['ContactId'] is not null
)
group by account_id, region, namespace, metric_name, "at", by_name;

create view definitions as from 'seeds/cloudwatch_metric_definitions.csv';

-- stage: count every metric
create table counted as
select
    account_id, region, namespace, metric_name, dimensions,
    date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    sum("count") as sample_count, sum(sum) as sum, min("min") as minimum, max("max") as maximum,
    arg_max("max", "at") as last, arg_max(unit, "at") as unit, count(*) as datapoints,
    count(distinct time_bucket(to_minutes(nullif(period_minutes, 0)), "at")) as spans
from (from datapoints union all by name from totals)
left join definitions using (namespace, metric_name)
group by account_id, region, namespace, metric_name, dimensions, grouping sets ((hour), (day), (month));

-- stage: count wide marts
create view wide as
select *, string_split(key_dimensions, ',') as keys from 'seeds/cloudwatch_wide_metrics.csv';

create table counted_by_mart as
with
-- the row of a mart that a set of dimensions names
subjects as (
    select
        namespace, metric_name, dimensions, mart, statistic,
        to_json(map_from_entries([
            (k, coalesce(by_name[k], if(k = 'InstanceId', by_name['Instance ID'], null))) for k in keys
        ]))::varchar as subject
    from (select distinct namespace, metric_name, dimensions, by_name from datapoints)
    join wide using (namespace, metric_name)
    join definitions using (namespace, metric_name)
    where metric_group = coalesce(by_name['MetricGroup'], '-')
),
counted_by_metric as (
    select
        account_id, region, mart, metric_name, subject,
        date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
        case statistic
            when 'sum' then sum(sum) when 'maximum' then max("max")
            when 'average' then sum(sum) / sum("count") else arg_max("max", "at")
        end as "value"
    from datapoints
    join subjects using (namespace, metric_name, dimensions)
    group by account_id, region, mart, metric_name, statistic, subject, grouping sets ((hour), (day), (month))
),
mart_rows as (
    select
        account_id, region, mart, subject, hour, day, month,
        map_from_entries(list((metric_name, "value"))) as metrics
    from counted_by_metric
    group by all
),
-- a counter that is not reported is 0 in its row
silent as (
    select
        mart, regexp_extract(when_silent, 'of (.*)', 1) as integration_type,
        map_from_entries(list((metric_name, 0.0::double))) as zeros
    from wide
    where when_silent <> 'unknown'
    group by all
)
select mart_rows.* replace (map_concat(zeros, metrics) as metrics)
from mart_rows
left join silent
    on mart_rows.mart = silent.mart and integration_type = coalesce(subject ->> 'IntegrationType', '');

create view counted_instances as
select hour, metrics['CallsPerInterval'] as calls_per_interval, metrics['TasksExpired'] as tasks_expired
from counted_by_mart
where mart = 'connect_instance_metrics';

-- stage: estimate quotas
create table quotas as
with
paired as (
    select
        account_id, region, by_name['InstanceId'] as instance_id, "at",
        max(case when metric_name = 'ConcurrentCalls' then "max" end) as calls,
        max(case when metric_name = 'ConcurrentCallsPercentage' then "max" end) as calls_used,
        max(case when metric_name = 'ConcurrentActiveChats' then "max" end) as chats,
        max(case when metric_name = 'ConcurrentActiveChatsPercentage' then "max" end) / 100 as chats_used,
        max(case when metric_name = 'ConcurrentTasks' then "max" end) as tasks,
        max(case when metric_name = 'ConcurrentTasksPercentage' then "max" end) / 100 as tasks_used
    from datapoints
    where metric_name similar to 'Concurrent(Calls|ActiveChats|Tasks)(Percentage)?'
    group by account_id, region, instance_id, "at"
)
select
    account_id, region, instance_id,
    date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    arg_max(calls / calls_used, calls_used) as calls_quota, max(calls_used) as calls_used,
    arg_max(tasks / tasks_used, tasks_used) as tasks_quota, max(tasks_used) as tasks_used,
    arg_max(chats / chats_used, chats_used) as chats_quota, max(chats_used) as chats_used,
    arg_max(chats / (chats_used + 0.005), chats_used) as chats_quota_low,
    arg_max(chats / (chats_used - 0.005), chats_used) as chats_quota_high
from paired
group by account_id, region, instance_id, grouping sets ((hour), (day), (month));
checkpoint;
