-- Grain: one landed version of a Mailgun event. The Events API, the Logs API and webhooks look the same from here on.
select
    {{ landed_columns(key='event_key') }},
    _kind as event,
    -- only a subaccount's account has a parent
    coalesce(case when account."parent-id" is not null then account.id end, 'none') as subaccount,
    coalesce(
        lower(nullif(case json_type(domain) when 'VARCHAR' then domain ->> '$' else domain ->> '$.name' end, '')),
        'none'
    ) as domain,
    lower(nullif(severity, '')) as severity,
    lower(nullif(reason, '')) as reason,
    "delivery-status"."attempt-no" as attempt_no,
    lower(nullif(envelope.transport, '')) as transport,
    nullif(trim("i-delivery-optimizer"), '') as delivery_optimizer,
    -- only a subset of the flags is in a payload: an absent one is false
    coalesce(flags."is-authenticated", false) as is_authenticated,
    coalesce(flags."is-delayed-bounce", false) as is_delayed_bounce,
    coalesce(flags."is-callback", false) or coalesce(flags."is-webhook", false) as is_webhook,
    coalesce(flags."is-test-mode", false) as is_test_mode,
    nullif(trim(message.headers."message-id", '<> '), '') as message_id,
    lower(nullif(trim(recipient), '')) as recipient,
    coalesce(
        nullif(id, ''),
        concat_ws(
            '|', _at, nullif(trim(message.headers."message-id", '<> '), ''), lower(nullif(trim(recipient), '')), url
        )
    ) as event_id,
    coalesce(nullif(envelope."sending-ip", ''), 'none') as ip,
    coalesce(
        nullif(envelope."i-ip-pool-name", ''), nullif(envelope."i-ip-pool-id", ''), 'none'
    ) as ip_pool,
    coalesce(
        lower(nullif("recipient-domain", '')), lower(nullif(split_part(recipient, '@', 2), '')), 'none'
    ) as recipient_domain,
    coalesce(nullif("recipient-provider", ''), 'none') as recipient_provider,
    coalesce(nullif(geolocation.country, ''), 'none') as country,
    coalesce(lower(nullif("client-info"."device-type", '')), 'none') as device,
    coalesce(lower(nullif("client-info".bot, '')), 'none') as bot,
    nullif(trim("client-info"."user-agent"), '') as user_agent,
    {{ network_number('ip') }} as client_network,
    coalesce(
        -- An unsubscription's tags are its scope, not the message's tags. Mailgun's tags have no case.
        nullif(
            list_sort(list_distinct(list_transform(
                list_filter(case when _kind <> 'unsubscribed' then tags end, lambda tag: trim(tag) <> ''),
                lambda tag: lower(tag)
            ))),
            []
        ),
        ['none']
    ) as tags,
    coalesce(
        nullif(case json_type(template) when 'VARCHAR' then template ->> '$' else template ->> '$.name' end, ''), 'none'
    ) as template,
    cast([
        {%- for name in var('mailgun_dimensions') %}
        struct_pack(
            dimension := 'v:{{ name }}',
            dimension_value := coalesce({{ user_variable('"user-variables"', name) }}, 'none')
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ] as struct(dimension varchar, dimension_value varchar)[]) as variables,
    url,
    "delivery-status".code as delivery_code,
    case
        -- The description repeats the message or says nothing, but where there is no message. The reason is why Mailgun
        -- itself gave up, where it isn't what the server said.
        when _kind = 'failed' then struct_pack(
            text := coalesce(nullif("delivery-status".message, ''), "delivery-status".description),
            smtp_status := "delivery-status".code,
            enhanced_status := "delivery-status"."enhanced-code",
            reason := case when lower(reason) in ('old', 'greylisted', 'espblock', 'blacklisted') then lower(reason) end
        )
    end as answer,
    "delivery-status"."bounce-type" as bounce_type,
    "@timestamp" is not null as is_logs_item
from {{ landed('mailgun', 'events') }}
