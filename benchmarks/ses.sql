-- The baseline for SES: the same gzip files with declared columns, deduplicated, counted for both marts at three grains.
-- What stands after `-- stage:` names the statements up to the next one in the benchmark's table.

-- stage: read, deduplicate
create table events as
with
lines as (
    select unnest(coalesce(
        detail,
        json_transform(case when "Message" like '{"%' then "Message" end, '{
    "eventType": "VARCHAR", "notificationType": "VARCHAR",
    "mail": {"timestamp": "VARCHAR", "messageId": "VARCHAR", "sendingAccountId": "VARCHAR", "destination": ["VARCHAR"],
        "headers": [{"name": "VARCHAR", "value": "VARCHAR"}], "tags": "MAP(VARCHAR, VARCHAR[])"},
    "bounce": {"bounceType": "VARCHAR", "bounceSubType": "VARCHAR", "bouncedRecipients": [{"emailAddress": "VARCHAR"}],
        "timestamp": "VARCHAR", "feedbackId": "VARCHAR"},
    "complaint": {"complainedRecipients": [{"emailAddress": "VARCHAR"}], "timestamp": "VARCHAR", "feedbackId": "VARCHAR",
        "complaintSubType": "VARCHAR", "complaintFeedbackType": "VARCHAR"},
    "delivery": {"timestamp": "VARCHAR", "recipients": ["VARCHAR"]},
    "open": {"timestamp": "VARCHAR", "ipAddress": "VARCHAR", "userAgent": "VARCHAR"},
    "click": {"timestamp": "VARCHAR", "ipAddress": "VARCHAR", "userAgent": "VARCHAR", "link": "VARCHAR",
        "linkTags": "MAP(VARCHAR, VARCHAR[])"},
    "failure": {"templateName": "VARCHAR", "errorMessage": "VARCHAR"},
    "deliveryDelay": {"timestamp": "VARCHAR"}, "subscription": {"timestamp": "VARCHAR"}
}'),
        struct_pack("eventType" := "eventType", "notificationType" := "notificationType", "mail" := "mail", "bounce" := "bounce", "complaint" := "complaint", "delivery" := "delivery", "open" := "open", "click" := "click", "failure" := "failure", "deliveryDelay" := "deliveryDelay", "subscription" := "subscription")
    ))
    from read_json(
        '{inbox}/ses/events/**/*.gz', format = 'newline_delimited', compression = 'gzip',
        columns = {
            'eventType': 'varchar',
            'notificationType': 'varchar',
            'mail': 'struct("timestamp" varchar, "messageId" varchar, "sendingAccountId" varchar, destination varchar[], headers struct(name varchar, "value" varchar)[], tags map(varchar, varchar[]))',
            'bounce': 'struct("bounceType" varchar, "bounceSubType" varchar, "bouncedRecipients" struct("emailAddress" varchar)[], "timestamp" varchar, "feedbackId" varchar)',
            'complaint': 'struct("complainedRecipients" struct("emailAddress" varchar)[], "timestamp" varchar, "feedbackId" varchar, "complaintSubType" varchar, "complaintFeedbackType" varchar)',
            'delivery': 'struct("timestamp" varchar, recipients varchar[])',
            'open': 'struct("timestamp" varchar, "ipAddress" varchar, "userAgent" varchar)',
            'click': 'struct("timestamp" varchar, "ipAddress" varchar, "userAgent" varchar, link varchar, "linkTags" map(varchar, varchar[]))',
            'failure': 'struct("templateName" varchar, "errorMessage" varchar)',
            'deliveryDelay': 'struct("timestamp" varchar)',
            'subscription': 'struct("timestamp" varchar)',
            'detail': 'struct("eventType" varchar, "notificationType" varchar, "mail" struct("timestamp" varchar, "messageId" varchar, "sendingAccountId" varchar, destination varchar[], headers struct(name varchar, "value" varchar)[], tags map(varchar, varchar[])), "bounce" struct("bounceType" varchar, "bounceSubType" varchar, "bouncedRecipients" struct("emailAddress" varchar)[], "timestamp" varchar, "feedbackId" varchar), "complaint" struct("complainedRecipients" struct("emailAddress" varchar)[], "timestamp" varchar, "feedbackId" varchar, "complaintSubType" varchar, "complaintFeedbackType" varchar), "delivery" struct("timestamp" varchar, recipients varchar[]), "open" struct("timestamp" varchar, "ipAddress" varchar, "userAgent" varchar), "click" struct("timestamp" varchar, "ipAddress" varchar, "userAgent" varchar, link varchar, "linkTags" map(varchar, varchar[])), "failure" struct("templateName" varchar, "errorMessage" varchar), "deliveryDelay" struct("timestamp" varchar), "subscription" struct("timestamp" varchar))',
            'Message': 'varchar'
        }
    )
),
timed as (
    select
        *, lower(replace(replace(coalesce("eventType", "notificationType"), ' ', ''), '_', '')) as event,
        cast(replace(replace(coalesce(
            bounce."timestamp", complaint."timestamp", delivery."timestamp", open."timestamp", click."timestamp",
            "deliveryDelay"."timestamp", subscription."timestamp", mail."timestamp"
        ), ' +', '+'), ' -', '-') as timestamptz) at time zone 'UTC' as "at"
    from lines
),
typed as (
    select
        event, "at", "eventType" is not null as is_published, mail."messageId" as message_id,
        coalesce(mail."sendingAccountId", 'none') as account_id,
        coalesce(mail.tags['ses:configuration-set'][1], 'none') as "configuration_set",
        coalesce(mail.tags['ses:caller-identity'][1], 'none') as "caller_identity",
        coalesce(mail.tags['ses:from-domain'][1], 'none') as "from_domain",
        coalesce(mail.tags['ses:source-ip'][1], 'none') as "source_ip",
        coalesce(mail.tags['ses:source-tls-version'][1], 'none') as "source_tls_version",
        coalesce(mail.tags['ses:outgoing-ip'][1], 'none') as "outgoing_ip",
        coalesce(mail.tags['ses:outgoing-tls-version'][1], 'none') as "outgoing_tls_version",
        coalesce(mail.tags['ses:operation'][1], 'none') as "operation",
        coalesce(mail.tags['ses:feedback-id-a'][1], 'none') as "feedback_id_a",
        coalesce(mail.tags['ses:feedback-id-b'][1], 'none') as "feedback_id_b",
        coalesce(mail.tags['campaign'][1], 'none') as campaign,
        coalesce(list_filter(mail.headers, lambda h: lower(h.name) = 'x-customer-tier')[1]."value", 'unknown') as customer_tier,
        coalesce(click."linkTags"['placement'][1], 'none') as placement,
        lower(bounce."bounceType") as bounce_type, lower(bounce."bounceSubType") as bounce_subtype,
        lower(complaint."complaintSubType") as complaint_subtype,
        lower(complaint."complaintFeedbackType") as feedback_type,
        len(case event
            when 'send' then mail.destination when 'delivery' then delivery.recipients
            when 'bounce' then list_transform(bounce."bouncedRecipients", lambda r: r."emailAddress")
            when 'complaint' then list_transform(complaint."complainedRecipients", lambda r: r."emailAddress")
        end) as recipients,
        case
            when event in ('send', 'reject') then mail."messageId"
            when event in ('bounce', 'complaint') and coalesce(bounce."feedbackId", complaint."feedbackId", '') not in ('', '<feedbackId>')
                then coalesce(bounce."feedbackId", complaint."feedbackId")
            else concat_ws('|', mail."messageId", "at", delivery.recipients, bounce."bouncedRecipients",
                complaint."complainedRecipients", failure."templateName", failure."errorMessage", open."ipAddress", open."userAgent",
                click."ipAddress", click."userAgent", click.link)
        end as fact
    from timed
    where event in (
        'send', 'reject', 'bounce', 'complaint', 'delivery', 'open', 'click', 'renderingfailure', 'deliverydelay', 'subscription'
    )
)
select distinct on (event, fact) * from typed order by is_published desc;

create view flagged as
select
    account_id, date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month,
    configuration_set, caller_identity, from_domain, source_ip, source_tls_version, outgoing_ip, outgoing_tls_version, operation, feedback_id_a, feedback_id_b, campaign, customer_tier, placement,
    case when event = 'send' then 1 end as send_count,
    case when event = 'reject' then 1 end as reject_count,
    case when event = 'bounce' and bounce_type = 'permanent' then 1 end as bounce_count,
    case when event = 'complaint' then 1 end as complaint_count,
    case when event = 'delivery' then 1 end as delivery_count,
    case when event = 'open' then 1 end as open_count,
    case when event = 'click' then 1 end as click_count,
    case when event = 'renderingfailure' then 1 end as rendering_failure_count,
    case when event = 'bounce' and bounce_type = 'transient' then 1 end as soft_bounce_count,
    case when event = 'bounce' and bounce_type not in ('permanent', 'transient') then 1 end as undetermined_bounce_count,
    case when event = 'bounce' and bounce_type = 'permanent' and bounce_subtype in (
        'suppressed', 'onaccountsuppressionlist', 'ontenantsuppressionlist', 'emailvalidationsuppressed'
    ) then 1 end as suppressed_bounce_count,
    case when event = 'deliverydelay' then 1 end as delivery_delay_count,
    case when event = 'subscription' then 1 end as subscription_count,
    case when event = 'send' then recipients end as send_recipients,
    case when event = 'delivery' then recipients end as delivery_recipients,
    case when event = 'bounce' and bounce_type = 'permanent' then recipients end as bounce_recipients,
    case when event = 'complaint' then recipients end as complaint_recipients,
    case when event = 'open' then message_id end as opened_message,
    case when event = 'click' then message_id end as clicked_message
from events;

-- stage: count main mart
create table counted as
select
    account_id, configuration_set, hour, day, month, count(columns('_count$')), sum(columns('_recipients$')),
    count(distinct columns('_message$'))
from flagged
group by account_id, configuration_set, grouping sets ((hour), (day), (month));

-- stage: count by dimension
create table counted_by_dimension as
select
    account_id, configuration_set, hour, day, month, caller_identity, from_domain, source_ip, source_tls_version, outgoing_ip, outgoing_tls_version, operation, feedback_id_a, feedback_id_b, campaign, customer_tier, placement,
    count(columns('_count$')), sum(columns('_recipients$')), count(distinct columns('_message$'))
from flagged
group by
    account_id, configuration_set, grouping sets ((hour), (day), (month)),
    grouping sets ((caller_identity), (from_domain), (source_ip), (source_tls_version), (outgoing_ip), (outgoing_tls_version), (operation), (feedback_id_a), (feedback_id_b), (campaign), (customer_tier), (placement));
checkpoint;
