-- Grain: one landed version of an event of a Connect contact.
with

source as (

    select * from {{ landed('connect', 'contact_events') }}

),

-- A name has either spelling, inside the envelope, beside it or without one.
raw_fields as (

    select
        *,
        coalesce(detail ->> '$.contactId', detail ->> '$.ContactId', "contactId") as contact_id,
        coalesce(detail ->> '$.channel', detail ->> '$.Channel', channel) as raw_channel,
        coalesce(
            detail -> '$.campaign', detail -> '$.Campaign', campaign
        ) as raw_campaign,
        coalesce(detail -> '$.agentInfo', detail -> '$.AgentInfo', "agentInfo") as raw_agent,
        coalesce(
            detail ->> '$.initiationTimestamp', detail ->> '$.InitiationTimestamp', "initiationTimestamp"
        ) as raw_initiation,
        coalesce(
            detail ->> '$.connectedToSystemTimestamp',
            detail ->> '$.ConnectedToSystemTimestamp',
            "connectedToSystemTimestamp"
        ) as raw_connection,
        coalesce(
            detail ->> '$.disconnectReason', detail ->> '$.DisconnectReason', "disconnectReason"
        ) as raw_reason,
        coalesce(
            detail ->> '$.answeringMachineDetectionStatus',
            detail ->> '$.AnsweringMachineDetectionStatus',
            "answeringMachineDetectionStatus"
        ) as raw_status
    from source

),

renamed as (

    select
        contact_id,
        _kind as event,
        _at as event_at,
        nullif(coalesce(raw_campaign ->> '$.campaignId', raw_campaign ->> '$.CampaignId'), '') as campaign_id,
        upper(nullif(raw_channel, '')) as channel,
        -- a millisecond after the epoch means that it has not happened
        nullif(
            try_cast(raw_initiation as timestamptz) at time zone 'UTC', timestamp '1970-01-01 00:00:00.001'
        ) as initiated_at,
        -- an event whose kind states what happened need not state when
        coalesce(
            nullif(try_cast(raw_connection as timestamptz) at time zone 'UTC', timestamp '1970-01-01 00:00:00.001'),
            case when _kind = 'CONNECTED_TO_SYSTEM' then _at end
        ) as connected_to_system_at,
        coalesce(
            nullif(
                try_cast(coalesce(
                    raw_agent ->> '$.connectedToAgentTimestamp', raw_agent ->> '$.ConnectedToAgentTimestamp'
                ) as timestamptz) at time zone 'UTC',
                timestamp '1970-01-01 00:00:00.001'
            ),
            case when _kind = 'CONNECTED_TO_AGENT' then _at end
        ) as connected_to_agent_at,
        upper(nullif(raw_reason, '')) as disconnect_reason,
        upper(nullif(raw_status, '')) as answering_machine_status,
        _landing as load_id
    from raw_fields

)

select * from renamed
