-- The baseline for Pinpoint: the same gzip files with declared columns, deduplicated, counted by activity at three grains.
-- What stands after `-- stage:` names the statements up to the next one in the benchmark's table.

-- stage: read, deduplicate
create table events as
with
lines as (
    select line
    from read_csv(
        '{inbox}/pinpoint/events/**/*.gz', columns = {'line': 'varchar'}, delim = '\x01', quote = '', escape = '',
        comment = '', header = false, auto_detect = false, compression = 'gzip'
    )
),
typed as (
    select
        md5(line)::uuid as fact,
        json_transform(line, '{
            "event_type": "VARCHAR", "event_timestamp": "BIGINT", "arrival_timestamp": "BIGINT",
            "application": {"app_id": "VARCHAR"}, "client": {"client_id": "VARCHAR"},
            "attributes": {"journey_id": "VARCHAR", "journey_run_id": "VARCHAR", "journey_activity_id": "VARCHAR",
                "journey_activity_type": "VARCHAR", "journey_send_status": "VARCHAR", "campaign_id": "VARCHAR",
                "message_id": "VARCHAR"},
            "metrics": {"price_in_millicents_usd": "DOUBLE"},
            "facets": {"email_channel": {"mail_event": {"mail": {"message_id": "VARCHAR"}}}}
        }') as r
    from lines
),
renamed as (
    select
        fact,
        r.event_type as event,
        make_timestamp_ms(
            case when starts_with(r.event_type, '_email.') then r.arrival_timestamp else r.event_timestamp end
        ) as "at",
        r.application.app_id as application_id,
        r.client.client_id as endpoint_id,
        r.attributes.journey_id as journey_id,
        r.attributes.journey_activity_id as activity_id,
        r.attributes.journey_run_id as run_id,
        r.attributes.journey_activity_type as activity_type,
        r.attributes.journey_send_status as status,
        r.attributes.campaign_id as campaign_id,
        coalesce(r.facets.email_channel.mail_event.mail.message_id, r.attributes.message_id) as message_id,
        r.metrics.price_in_millicents_usd as price
    from typed
    where r.event_type like '\_journey.%' escape '\' or r.event_type like '\_email.%' escape '\' or r.event_type like '\_SMS.%' escape '\'
)
select distinct on (fact) * from renamed;

-- stage: states of messages
create table texts as
with messages as (
    select
        application_id, message_id, min("at") as "at", any_value(endpoint_id) as endpoint_id,
        max(journey_id) as journey_id, max(activity_id) as activity_id, max(campaign_id) as campaign_id,
        bool_or(event = '_SMS.SUCCESS') as delivered, bool_or(event = '_SMS.FAILURE') as failed, max(price) as price
    from events
    where event in ('_SMS.BUFFERED', '_SMS.SUCCESS', '_SMS.FAILURE')
    group by all
)
select
    messages.* replace (
        coalesce(messages.journey_id, sends.journey_id) as journey_id,
        coalesce(messages.activity_id, sends.activity_id) as activity_id
    )
from messages
asof left join (
    select * from events where event = '_journey.send' and activity_type = 'SMS' and status = 'SUCCESS'
) as sends
    on
        messages.application_id = sends.application_id
        and messages.endpoint_id = sends.endpoint_id
        and messages."at" >= sends."at";

create table emails as
select
    application_id, journey_id, activity_id, message_id, event,
    case when event in ('_email.open', '_email.click') then date_trunc('hour', "at") end as open_hour, min("at") as "at"
from events
where starts_with(event, '_email.') and journey_id is not null
group by all;

-- stage: count
create table counted as
select
    application_id, journey_id, activity_id,
    date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    count(case when kind = 'SUCCESS' then 1 end) as messages_sent,
    count(case when kind in ('QUIET_TIME', 'QUIET_TIME_MISSING_TIMEZONE') then 1 end) as quiet_time_unsent,
    count(case when kind = 'DAILY_CAP' then 1 end) as endpoint_limit_unsent,
    count(case when kind = 'THROTTLED' then 1 end) as throttled_unsent,
    count(case when kind = 'FAILURE_PERMANENT' then 1 end) as permanent_failure_unsent,
    count(case when kind = 'UNSUPPORTED_CHANNEL' then 1 end) as unsupported_channel_unsent,
    count(case when kind = 'CUSTOM_DELIVERY_FAILURE' then 1 end) as custom_delivery_failure_unsent,
    count(
        case
            when kind not in (
                'SUCCESS', 'QUIET_TIME_WAIT_FINISHED', 'QUIET_TIME', 'QUIET_TIME_MISSING_TIMEZONE', 'DAILY_CAP',
                'THROTTLED', 'TRANSIENT_FAILURE', 'SERVICE_FAILURE', 'FAILURE_PERMANENT', 'UNSUPPORTED_CHANNEL',
                'CUSTOM_DELIVERY_FAILURE', 'sms', 'push'
            ) and not starts_with(kind, '_') then 1
        end
    ) as unknown_failure_unsent,
    count(case when kind = '_email.send' then 1 end) as emails_sent,
    count(case when kind = '_email.delivered' then 1 end) as emails_delivered,
    count(case when kind = '_email.open' then 1 end) as opens,
    count(case when kind = '_email.click' then 1 end) as clicks,
    count(case when kind = '_email.softbounce' then 1 end) as soft_bounced,
    count(case when kind = '_email.hardbounce' then 1 end) as hard_bounced,
    count(case when kind = 'sms' then 1 end) as texts_sent,
    count(case when delivered then 1 end) as texts_delivered,
    count(case when failed and not delivered then 1 end) as texts_failed,
    sum(price) / 100000 as spend_usd,
    count(distinct case when kind = '_journey.received_background' then endpoint_id || run_id end) as push_delivered,
    count(distinct case when kind = '_journey.opened_notification' then endpoint_id || run_id end) as push_opened
from (
    select application_id, journey_id, activity_id, "at", coalesce(status, event) as kind, endpoint_id, run_id
    from events
    where starts_with(event, '_journey.') and journey_id is not null
    union all by name
    select application_id, journey_id, activity_id, "at", event as kind from emails
    union all by name
    select application_id, journey_id, activity_id, "at", 'sms' as kind, delivered, failed, price
    from texts
    where journey_id is not null
)
anti join (
    select "JourneyResponse" ->> '$.Id' as journey_id
    from read_json('{inbox}/pinpoint/journeys/**/*.gz', columns = {'JourneyResponse': 'json'}, format = 'newline_delimited')
    where "JourneyResponse" ->> '$.Name' like 'Test-%'
) using (journey_id)
group by application_id, journey_id, activity_id, grouping sets ((hour), (day), (month));
checkpoint;
