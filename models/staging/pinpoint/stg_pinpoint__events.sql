-- Grain: one event of Pinpoint's event stream.
select
    _key as event_key,
    _at as event_at,
    event_type as event,
    coalesce(nullif(application.app_id, ''), 'none') as application_id,
    nullif(client.client_id, '') as endpoint_id,
    nullif(attributes.journey_id, '') as journey_id,
    coalesce(nullif(attributes.journey_activity_id, ''), 'none') as activity_id,
    nullif(attributes.journey_run_id, '') as run_id,
    nullif(attributes.journey_activity_type, '') as activity_type,
    nullif(attributes.journey_send_status, '') as send_status,
    nullif(attributes.campaign_id, '') as campaign_id,
    nullif(
        coalesce(facets.email_channel.mail_event.mail.message_id, attributes.message_id), ''
    ) as message_id,
    metrics.price_in_millicents_usd as price_in_millicents,
    lower(nullif(facets.email_channel.mail_event.bounce.bounce_type, '')) as bounce_type,
    lower(nullif(facets.email_channel.mail_event.bounce.bounce_sub_type, '')) as bounce_subtype,
    case
        when facets.email_channel.mail_event.bounce is not null then struct_pack(
            text := facets.email_channel.mail_event.bounce.bounced_recipients[1].diagnostic_code,
            smtp_status := cast(null as varchar),
            enhanced_status := facets.email_channel.mail_event.bounce.bounced_recipients[1].status,
            reason := nullif(lower(nullif(facets.email_channel.mail_event.bounce.bounce_sub_type, '')), 'general')
        )
    end as answer,
    lower(nullif(facets.email_channel.mail_event.complaint.complaint_feedback_type, '')) as feedback_type,
    coalesce(
        nullif(trim(facets.email_channel.mail_event."open".user_agent), ''),
        nullif(trim(facets.email_channel.mail_event.click.user_agent), '')
    ) as user_agent,
    coalesce(
        {{ network_number('facets.email_channel.mail_event."open".ip_address') }},
        {{ network_number('facets.email_channel.mail_event.click.ip_address') }}
    ) as client_network,
    nullif(facets.email_channel.mail_event.click.link, '') as link,
    lower(nullif(trim(facets.email_channel.mail_event.mail.destination[1]), '')) as recipient,
    coalesce({{ mail_domain('facets.email_channel.mail_event.mail.destination[1]') }}, 'none') as recipient_domain,
    _file as file,
    _landing as load_id
from {{ landed('pinpoint', 'events') }}
