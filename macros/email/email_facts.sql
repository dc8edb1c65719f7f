{# The body of a vendor's model of what became of its messages: every event but acceptances and deliveries, which the events
   of its message explain, in whatever order they land. `events` is its view of events in the words of all vendors. #}
{% macro email_facts(events) -%}
{#- Another version may tell of another time or sender: there it counts anew, and no longer where it did. -#}
{%- set key = ['event_key', 'recipient_key', 'account', 'sender', 'event_at'] -%}
{{- config(unique_key=key) -}}
with

events as not materialized {{ read(events) }},

rules as (

    select * from {{ ref('int_email__machine_rules') }}

),

bounce_classes as (

    select * from {{ ref('int_email__bounce_classes') }}

),

changed as (

    -- by any version, also one that no longer counts: the message that it left counts anew too
    select distinct message_key from events where is_changed and event <> 'accepted'

),

-- Materialized, as all below reads it and the kind of an event and the recipients take long to tell.
followed as materialized (

    select events.*
    from events
    {% if is_incremental() -%}
    semi join changed using (message_key)
    {% endif -%}
    where is_current and event is not null and event not in ('accepted', 'delivered')

),

deliveries as (

    select
        events.message_key,
        events.recipient_key,
        min(events.event_at) as delivered_at
    from events
    semi join followed using (message_key)
    where events.is_current and events.event = 'delivered'
    group by events.message_key, events.recipient_key

),

-- Of a message to several recipients an open is no recipient's: the first delivery stands for all.
first_deliveries as (

    select
        message_key,
        min(delivered_at) as first_delivered_at
    from deliveries
    group by message_key

),

matched_agents as (

    select
        clients.vendor_word,
        clients.user_agent,
        min(rules.position) as agent_position
    from (select distinct vendor_word, user_agent from followed where event in ('open', 'click')) as clients
    inner join rules
        on
            rules.kind = 'vendor word' and clients.vendor_word = rules.pattern
            or rules.kind = 'user agent is' and lower(clients.user_agent) = rules.pattern
            or rules.kind = 'user agent has' and contains(lower(clients.user_agent), rules.pattern)
    group by clients.vendor_word, clients.user_agent

),

matched_networks as (

    select
        clients.client_network,
        min(rules.position) as network_position
    from (
        select distinct client_network
        from followed
        where event in ('open', 'click') and client_network is not null
    ) as clients
    inner join rules on clients.client_network between rules.first_network and rules.last_network
    group by clients.client_network

),

server_answers as (

    -- of distinct texts, as each takes long
    select
        answer as stated_answer,
        {{ server_answer('answer') }} as answer
    from (select distinct answer from followed where answer is not null)

),

answers as (

    select
        answer,
        -- `answer_words` has put it first
        nullif(regexp_extract(answer, '^([4-6][0-9][0-9])(?: |$)', 1), '') as smtp_status,
        nullif({{ enhanced_status_of('answer') }}, '') as enhanced_status
    from (select distinct answer from server_answers where answer is not null)

),

matched_answers as (

    select
        answers.answer,
        answers.smtp_status,
        answers.enhanced_status,
        min(bounce_classes.position) as class_position
    from answers
    left join bounce_classes
        on
            bounce_classes.kind = 'words' and contains(' ' || answers.answer || ' ', bounce_classes.pattern)
            or bounce_classes.kind = 'enhanced status' and starts_with(answers.enhanced_status || '.', bounce_classes.pattern)
            or bounce_classes.kind = 'smtp status' and answers.smtp_status = bounce_classes.pattern
    group by answers.answer, answers.smtp_status, answers.enhanced_status

),

reasons as (

    select
        server_answers.stated_answer,
        matched_answers.answer,
        matched_answers.smtp_status,
        matched_answers.enhanced_status,
        bounce_classes.class
    from server_answers
    left join matched_answers using (answer)
    left join bounce_classes on matched_answers.class_position = bounce_classes.position

),

links as (

    select
        link as stated_link,
        {{ published_link('link') }} as link,
        {{ published_campaign('link') }} as campaign
    from (select distinct link from followed where link is not null)

),

clicks as (

    select
        followed.event_key,
        followed.recipient_key,
        coalesce(links.link, 'none') as link,
        coalesce(links.campaign, 'none') as campaign,
        min(followed.link_key) over nearby <> max(followed.link_key) over nearby as is_at_once,
        row_number() over (
            partition by followed.message_key, followed.recipient_key, links.link, links.campaign
            order by followed.event_at, followed.event_key
        ) = 1 as is_first_of_link
    from followed
    left join links on followed.link = links.stated_link
    where followed.event = 'click'
    window nearby as (
        partition by followed.message_key, followed.recipient_key
        order by followed.event_at
        range between interval {{ var('email_machine_seconds_between_links') }} seconds preceding
        and interval {{ var('email_machine_seconds_between_links') }} seconds following
    )

),

explained as (

    select
        followed.event_key,
        followed.event_at,
        followed.message_key,
        followed.recipient_key,
        case
            when followed.event <> 'soft_bounce' or deliveries.delivered_at is null then followed.event
            -- A later attempt succeeded. Servers write bounces with whole seconds.
            when followed.event_at < deliveries.delivered_at - interval 1 second then 'deferral'
            -- the mailbox has the message, and answers that its owner is away
            else 'automatic_reply'
        end as event,
        deliveries.delivered_at is not null as is_delivered,
        case
            when followed.event in ('open', 'click')
                then least(matched_agents.agent_position, matched_networks.network_position)
        end as position,
        coalesce(
            followed.event in ('open', 'click')
            and followed.event_at
            < first_deliveries.first_delivered_at + interval {{ var('email_machine_seconds_after_delivery') }} seconds,
            false
        ) as is_soon,
        coalesce(clicks.is_at_once, false) as is_at_once,
        clicks.link,
        clicks.campaign,
        coalesce(clicks.is_first_of_link, false) as is_first_of_link
    from followed
    left join deliveries using (message_key, recipient_key)
    left join first_deliveries using (message_key)
    left join matched_agents using (vendor_word, user_agent)
    left join matched_networks using (client_network)
    left join clicks using (event_key, recipient_key)

),

with_rule as (

    select
        explained.* exclude (position, is_soon, is_at_once),
        case
            when rules.rule is not null then rules.rule
            when explained.is_soon then 'soon_after_delivery'
            when explained.is_at_once then 'links_at_once'
        end as machine_rule,
        coalesce(rules.is_machine, explained.is_soon or explained.is_at_once) as is_machine,
        case
            when explained.event in ('hard_bounce', 'block', 'soft_bounce') then 'bounce' else explained.event
        end as family,
        case explained.event when 'hard_bounce' then 1 when 'block' then 2 else 3 end as severity
    from explained
    left join rules using (position)

),

ranked as (

    -- before the rest of the columns, which would be sorted too
    select
        * exclude (family, severity),
        -- a message fails once, for the gravest of its reasons
        row_number() over (
            partition by message_key, recipient_key, family order by severity, event_at, event_key
        ) = 1 as is_first,
        not is_machine
        and row_number() over (
            partition by message_key, recipient_key, event, is_machine order by event_at, event_key
        ) = 1 as is_first_human,
        event = 'click'
        and not is_machine
        and row_number() over (
            partition by message_key, recipient_key, event, is_machine, link, campaign order by event_at, event_key
        ) = 1 as is_first_human_of_link
    from with_rule

),

facts as (

    select
        ranked.*,
        followed.account,
        followed.sender,
        followed.recipient_domain,
        followed.provider_word,
        followed.dimensions,
        followed.recipient_part,
        reasons.answer,
        reasons.smtp_status,
        reasons.enhanced_status,
        case
            when ranked.event in ('hard_bounce', 'block', 'soft_bounce', 'deferral')
                then coalesce(reasons.class, 'unclassified')
        end as bounce_class
    from ranked
    inner join followed using (event_key, recipient_key)
    left join reasons on followed.answer = reasons.stated_answer

)

{{ changed_facts(key, group=['message_key']) }}
{%- endmacro %}
