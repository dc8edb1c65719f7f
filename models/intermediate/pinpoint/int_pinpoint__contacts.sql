-- Grain: one contact of an outbound campaign and instant it may count at; `is_chosen` marks that at which a call does.
-- Events come in any order, each with a part of the contact's story. The other instants stay, so that an earlier choice
-- is found and recounted.
{{ config(unique_key=['contact_id', 'campaign_id', 'contact_at']) }}

with

events as not materialized {{ read(ref('stg_connect__contact_events')) }},

changed as (

    select distinct contact_id from events where is_changed

),

changed_events as (

    select events.*
    from events
    semi join changed using (contact_id)

),

contacts as (

    select
        contact_id,
        min(campaign_id) as chosen_campaign_id,
        coalesce(min(initiated_at), min(event_at)) as chosen_at,
        count(connected_to_system_at) > 0 as is_answered,
        count(connected_to_agent_at) > 0 as has_agent,
        -- a contact that never states its channel is a call, as all were before there were other channels
        count(channel) filter (where channel <> 'VOICE') = 0 as is_call,
        -- the last that is stated
        arg_max(disconnect_reason, row(event_at, disconnect_reason)) filter (
            where disconnect_reason is not null
        ) as disconnect_reason,
        arg_max(answering_machine_status, row(event_at, answering_machine_status)) filter (
            where answering_machine_status is not null
        ) as answering_machine_status
    from changed_events
    group by contact_id

),

candidates as (

    select distinct
        campaigns.contact_id,
        campaigns.campaign_id,
        unnest([instants.event_at, instants.initiated_at]) as contact_at
    from changed_events as campaigns
    inner join changed_events as instants using (contact_id)
    where campaigns.campaign_id is not null

),

with_choice as (

    select
        contact_id,
        candidates.campaign_id,
        candidates.contact_at,
        contacts.is_call
        and candidates.campaign_id = contacts.chosen_campaign_id
        and candidates.contact_at = contacts.chosen_at as is_chosen,
        contacts.is_answered,
        contacts.has_agent,
        contacts.disconnect_reason,
        contacts.answering_machine_status,
        {{ load_id() }} as load_id
    from candidates
    inner join contacts using (contact_id)
    where candidates.contact_at is not null

)

select * from with_choice
