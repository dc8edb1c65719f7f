-- The baseline for Mailgun: the same gzip files with declared columns, deduplicated, counted for both marts at three grains.
-- What stands after `-- stage:` names the statements up to the next one in the benchmark's table.

-- stage: read, deduplicate
create table events as
with
lines as (
    select unnest(coalesce("event-data", struct_pack(
        "event" := "event",
        "id" := "id",
        "timestamp" := "timestamp",
        "@timestamp" := "@timestamp",
        "domain" := "domain",
        "account" := "account",
        "severity" := "severity",
        "reason" := "reason",
        "delivery-status" := "delivery-status",
        "flags" := "flags",
        "i-delivery-optimizer" := "i-delivery-optimizer",
        "envelope" := "envelope",
        "recipient-domain" := "recipient-domain",
        "recipient-provider" := "recipient-provider",
        "tags" := "tags",
        "geolocation" := "geolocation",
        "client-info" := "client-info"
    )))
    from read_json(
        '{inbox}/mailgun/events/**/*.gz', format = 'newline_delimited', compression = 'gzip',
        columns = {
            'event': 'varchar',
            'id': 'varchar',
            'timestamp': 'varchar',
            '@timestamp': 'timestamptz',
            'domain': 'json',
            'account': 'struct(id varchar, "parent-id" varchar)',
            'severity': 'varchar',
            'reason': 'varchar',
            'delivery-status': 'struct("attempt-no" integer)',
            'flags': 'struct("is-authenticated" boolean, "is-delayed-bounce" boolean, "is-callback" boolean, "is-webhook" boolean)',
            'i-delivery-optimizer': 'varchar',
            'envelope': 'struct(transport varchar, "sending-ip" varchar, "i-ip-pool-name" varchar)',
            'recipient-domain': 'varchar',
            'recipient-provider': 'varchar',
            'tags': 'varchar[]',
            'geolocation': 'struct(country varchar)',
            'client-info': 'struct("device-type" varchar, bot varchar)',
            'event-data': 'struct(
                "event" varchar, "id" varchar, "timestamp" varchar, "@timestamp" timestamptz, "domain" json,
                "account" struct(id varchar, "parent-id" varchar), "severity" varchar, "reason" varchar,
                "delivery-status" struct("attempt-no" integer), "flags" struct("is-authenticated" boolean,
                "is-delayed-bounce" boolean, "is-callback" boolean, "is-webhook" boolean), "i-delivery-optimizer"
                varchar, "envelope" struct(transport varchar, "sending-ip" varchar, "i-ip-pool-name" varchar),
                "recipient-domain" varchar, "recipient-provider" varchar, "tags" varchar[], "geolocation"
                struct(country varchar), "client-info" struct("device-type" varchar, bot varchar)
            )'
        }
    )
),
typed as (
    select
        lower(event) as event, coalesce(domain ->> '$.name', domain ->> '$') as domain, id,
        lower(severity) as severity, lower(reason) as reason,
        coalesce(
            "@timestamp" at time zone 'UTC',
            make_timestamp(cast("timestamp"::decimal(20, 6) * 1000000 as bigint))
        ) as at,
        case when account."parent-id" is not null then account.id else 'none' end as subaccount,
        "delivery-status"."attempt-no" as attempt_no, lower(envelope.transport) as transport,
        coalesce(flags."is-authenticated", false) as is_authenticated,
        coalesce(flags."is-delayed-bounce", false) as is_delayed_bounce,
        coalesce(flags."is-callback", false) or coalesce(flags."is-webhook", false) as is_webhook,
        nullif("i-delivery-optimizer", '') as optimizer,
        coalesce(envelope."sending-ip", 'none') as ip, coalesce(envelope."i-ip-pool-name", 'none') as ip_pool,
        coalesce("recipient-domain", 'none') as recipient_domain,
        coalesce("recipient-provider", 'none') as recipient_provider,
        coalesce(geolocation.country, 'none') as country, coalesce("client-info"."device-type", 'none') as device,
        coalesce(nullif(lower("client-info".bot), ''), 'none') as bot,
        coalesce(nullif(list_distinct(list_transform(case when event <> 'unsubscribed' then tags end, lambda tag: lower(tag))), []), ['none']) as tags
    from lines
)
select distinct on (domain, event, coalesce(id, cast("at" as varchar)), cast("at" as date)) *
from typed;

create view flagged as
select
    subaccount, domain, date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    ip, ip_pool, recipient_domain, recipient_provider, country, device, bot, tags,
    case when event = 'accepted' and not is_authenticated then 1 end as accepted_incoming_count,
    case when event = 'accepted' and is_authenticated then 1 end as accepted_outgoing_count,
    case when event = 'rejected' then 1 end as rejected_count,
    case when event = 'stored' then 1 end as stored_count,
    case when event = 'delivered' and transport = 'http' then 1 end as delivered_http_count,
    case when event = 'delivered' and coalesce(nullif(transport, ''), 'smtp') = 'smtp' then 1 end as delivered_smtp_count,
    case when event = 'delivered' and optimizer is not null then 1 end as delivered_optimized_count,
    case when event = 'delivered' and attempt_no = 1 then 1 end as delivered_first_attempt_count,
    case when event = 'delivered' and attempt_no >= 2 then 1 end as delivered_two_plus_attempts_count,
    case when event = 'failed' and severity is distinct from 'permanent' then 1 end as temporary_failed_count,
    case when event = 'failed' and severity is distinct from 'permanent' and reason = 'espblock' then 1 end as esp_block_count,
    case when event = 'failed' and severity = 'permanent' then 1 end as permanent_failed_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'old' then 1 end as permanent_failed_old_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'bounce' and not is_delayed_bounce then 1 end as hard_bounces_count,
    case when event = 'failed' and severity = 'permanent' and not is_delayed_bounce
        and reason in ('generic', 'greylisted', 'blacklisted', 'espblock') then 1 end as soft_bounces_count,
    case when event = 'failed' and severity = 'permanent' and is_delayed_bounce then 1 end as delayed_bounce_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'suppress-bounce' then 1 end as suppressed_bounces_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'suppress-complaint' then 1 end as suppressed_complaints_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'suppress-unsubscribe' then 1 end as suppressed_unsubscribed_count,
    case when event = 'failed' and severity = 'permanent' and is_webhook then 1 end as webhook_count,
    case when event = 'opened' then 1 end as opened_count,
    case when event = 'clicked' then 1 end as clicked_count,
    case when event = 'unsubscribed' then 1 end as unsubscribed_count,
    case when event = 'complained' then 1 end as complained_count
from events;

-- stage: count main mart
create table counted as
select subaccount, domain, hour, day, month, count(columns('_count$'))
from flagged
group by subaccount, domain, grouping sets ((hour), (day), (month));

-- stage: count by dimension
create table counted_by_dimension as
select subaccount, domain, hour, day, month, ip, ip_pool, recipient_domain, recipient_provider, country, device, bot, count(columns('_count$'))
from flagged
group by
    subaccount, domain, grouping sets ((hour), (day), (month)),
    grouping sets ((ip), (ip_pool), (recipient_domain), (recipient_provider), (country), (device), (bot))
union all by name
select subaccount, domain, hour, day, month, tag, count(columns('_count$'))
from (select *, unnest(tags) as tag from flagged)
group by subaccount, domain, tag, grouping sets ((hour), (day), (month));
checkpoint;
