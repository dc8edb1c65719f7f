{# The body of a vendor's model of cohorts: what became of the messages that were sent in an hour, by the day on which it did.
   What lands later is counted on its own day alone, so that a night recounts no earlier one. #}
{% macro email_cohorts(vendor, events, facts) -%}
{{- config(tags='published', unique_key=['account', 'sender', 'happened_on', 'sent_on', 'sent_hour']) -}}
with

events as not materialized {{ read(events) }},

outcomes as not materialized {{ read(facts) }},

happened as not materialized (

    select
        account,
        sender,
        message_key,
        event_at,
        {{ reporting_date('event_at') }} as happened_on,
        event,
        event = 'delivered' as is_counted,
        is_current,
        is_changed
    from events
    where event in ('accepted', 'delivered')
    union all by name
    select
        account,
        sender,
        message_key,
        event_at,
        {{ reporting_date('event_at') }} as happened_on,
        event,
        case
            when event in ('open', 'click') then is_first_human
            else is_first and event in ('complaint', 'unsubscription')
        end as is_counted,
        is_current,
        is_changed
    from outcomes

),

sent_anew as (

    select distinct message_key from happened where is_changed and event in ('accepted', 'delivered')

),

changed as (

    select distinct account, sender, happened_on from happened where is_changed
    {% if is_incremental() %}
    union
    -- a message that was sent at another time than known takes with it all that became of it
    select account, sender, happened_on from happened semi join sent_anew using (message_key)
    {% endif %}

),

counted as (

    select *
    from happened
    {% if is_incremental() -%}
    semi join changed using (account, sender, happened_on)
    {% endif -%}
    where is_current and is_counted

),

sendings as (

    select
        message_key,
        coalesce(min(case when event = 'accepted' then event_at end), min(event_at)) as sent_at
    from happened
    semi join counted using (message_key)
    where is_current and event in ('accepted', 'delivered')
    group by message_key

),

dated as (

    -- clocks of vendor and recipient may differ: nothing becomes of a message before it is sent
    select
        counted.account,
        counted.sender,
        counted.happened_on,
        least({{ reporting_date('sendings.sent_at') }}, counted.happened_on) as sent_on,
        date_trunc('hour', least(sendings.sent_at, counted.event_at)) as sent_hour,
        counted.event
    from counted
    inner join sendings using (message_key)

),

facts as (

    select
        '{{ vendor }}' as vendor,
        account,
        sender,
        happened_on,
        sent_on,
        sent_hour,
        count(case when event = 'delivered' then 1 end) as delivered_count,
        count(case when event = 'open' then 1 end) as human_unique_open_count,
        count(case when event = 'click' then 1 end) as human_unique_click_count,
        count(case when event = 'complaint' then 1 end) as complained_count,
        count(case when event = 'unsubscription' then 1 end) as unsubscribed_count
    from dated
    where date_diff('day', sent_on, happened_on) <= 30
    group by account, sender, happened_on, sent_on, sent_hour

)

{{ changed_facts(
    ['account', 'sender', 'happened_on', 'sent_on', 'sent_hour'], group=['account', 'sender', 'happened_on']
) }}
{%- endmacro %}
