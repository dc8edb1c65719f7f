-- Grain: one landed version of an SES event. Event publishing and feedback notifications look the same from here on.
with

source as (

    select * from {{ landed('ses', 'events') }}

),

addressed as (

    select
        *,
        -- an event's own recipients; mail.destination has all of the message's, in every event
        case _kind
            when 'send' then mail.destination
            when 'delivery' then delivery.recipients
            when 'bounce' then list_transform(bounce."bouncedRecipients", lambda r: r."emailAddress")
            when 'complaint' then list_transform(complaint."complainedRecipients", lambda r: r."emailAddress")
        end as recipients,
        case _kind
            when 'open' then struct_pack(address := "open"."ipAddress", agent := "open"."userAgent", link := null)
            when 'click' then struct_pack(address := click."ipAddress", agent := click."userAgent", link := click.link)
        end as client,
        try_cast(mail.tags as map(varchar, varchar[])) as tags
    from source

),

renamed as (

    select
        {{ landed_columns(key='event_key') }},
        case _kind
            when 'renderingfailure' then 'rendering_failure'
            when 'deliverydelay' then 'delivery_delay'
            else _kind
        end as event,
        nullif("eventType", '') is not null as is_published,
        coalesce(
            nullif(mail."sendingAccountId", ''),
            nullif(account, ''),
            nullif(split_part(mail."sourceArn", ':', 5), ''),
            'none'
        ) as account_id,
        coalesce(nullif(tags['ses:configuration-set'][1], ''), 'none') as configuration_set,
        nullif(mail."messageId", '') as message_id,
        lower(nullif(bounce."bounceType", '')) as bounce_type,
        lower(nullif(bounce."bounceSubType", '')) as bounce_subtype,
        lower(nullif(complaint."complaintSubType", '')) as complaint_subtype,
        lower(nullif(complaint."complaintFeedbackType", '')) as feedback_type,
        len(recipients) as recipient_count,
        coalesce(
            len(recipients) > 0
            -- a recipient without an address is none of the simulator
            and len(recipients)
            = len(list_filter(recipients, lambda r: contains(lower(r), '@simulator.amazonses.com'))),
            false
        ) as is_simulated,
        -- of an event that doesn't state whose it is: all of the message's
        coalesce(recipients, mail.destination) as recipients,
        coalesce(len(mail.destination) > 1 or len(recipients) > 1, false) as is_to_several,
        -- as many as recipients
        case _kind
            when 'bounce' then list_transform(
                bounce."bouncedRecipients",
                lambda r: struct_pack(
                    text := r."diagnosticCode",
                    smtp_status := cast(null as varchar),
                    enhanced_status := r.status,
                    reason := nullif(lower(nullif(bounce."bounceSubType", '')), 'general')
                )
            )
            when 'deliverydelay' then [struct_pack(
                text := cast(null as varchar),
                smtp_status := cast(null as varchar),
                enhanced_status := cast(null as varchar),
                reason := nullif(lower("deliveryDelay"."delayType"), 'general')
            )]
        end as answers,
        coalesce(subscription."newTopicPreferences" ->> '$.unsubscribeAll' = 'true', false) as is_unsubscription,
        nullif(trim(client.agent), '') as user_agent,
        {{ network_number('client.address') }} as client_network,
        nullif(client.link, '') as link,
        coalesce(nullif(tags['ses:caller-identity'][1], ''), 'none') as caller_identity,
        coalesce(nullif(tags['ses:from-domain'][1], ''), 'none') as from_domain,
        coalesce(nullif(tags['ses:source-ip'][1], ''), 'none') as source_ip,
        coalesce(nullif(tags['ses:source-tls-version'][1], ''), 'none') as source_tls_version,
        coalesce(nullif(tags['ses:outgoing-ip'][1], ''), 'none') as outgoing_ip,
        coalesce(nullif(tags['ses:outgoing-tls-version'][1], ''), 'none') as outgoing_tls_version,
        coalesce(nullif(tags['ses:operation'][1], ''), 'none') as operation,
        coalesce(nullif(tags['ses:feedback-id-a'][1], ''), 'none') as feedback_id_a,
        coalesce(nullif(tags['ses:feedback-id-b'][1], ''), 'none') as feedback_id_b,
        tags,
        mail.headers as headers,
        try_cast(click."linkTags" as map(varchar, varchar[])) as link_tags
    from addressed

)

select * from renamed
