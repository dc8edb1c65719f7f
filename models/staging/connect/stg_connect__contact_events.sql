-- Grain: one landed version of an event of a Connect contact.
with

source as (

    select * from {{ source('connect', 'contact_events') }}

),

-- Either spelling of a name, inside of the envelope, beside it or without one.
told as (

    select
        *,
        coalesce(detail ->> '$.contactId', detail ->> '$.ContactId', "contactId") as contact_id,
        coalesce(detail ->> '$.channel', detail ->> '$.Channel', channel) as told_channel,
        coalesce(
            detail -> '$.campaign', detail -> '$.Campaign', campaign
        ) as told_campaign,
        coalesce(detail -> '$.agentInfo', detail -> '$.AgentInfo', "agentInfo") as told_agent,
        coalesce(
            detail ->> '$.initiationTimestamp', detail ->> '$.InitiationTimestamp', "initiationTimestamp"
        ) as told_initiation,
        coalesce(
            detail ->> '$.connectedToSystemTimestamp',
            detail ->> '$.ConnectedToSystemTimestamp',
            "connectedToSystemTimestamp"
        ) as told_connection,
        coalesce(
            detail ->> '$.disconnectReason', detail ->> '$.DisconnectReason', "disconnectReason"
        ) as told_reason,
        coalesce(
            detail ->> '$.answeringMachineDetectionStatus',
            detail ->> '$.AnsweringMachineDetectionStatus',
            "answeringMachineDetectionStatus"
        ) as told_status
    from source

),

renamed as (

    select
        contact_id,
        _kind as event,
        _at as event_at,
        nullif(coalesce(told_campaign ->> '$.campaignId', told_campaign ->> '$.CampaignId'), '') as campaign_id,
        upper(nullif(told_channel, '')) as channel,
        -- a millisecond after the epoch says that it has not happened
        nullif(
            try_cast(told_initiation as timestamptz) at time zone 'UTC', timestamp '1970-01-01 00:00:00.001'
        ) as initiated_at,
        -- an event that says by its kind what happened need not say when
        coalesce(
            nullif(try_cast(told_connection as timestamptz) at time zone 'UTC', timestamp '1970-01-01 00:00:00.001'),
            case when _kind = 'CONNECTED_TO_SYSTEM' then _at end
        ) as connected_to_system_at,
        coalesce(
            nullif(
                try_cast(coalesce(
                    told_agent ->> '$.connectedToAgentTimestamp', told_agent ->> '$.ConnectedToAgentTimestamp'
                ) as timestamptz) at time zone 'UTC',
                timestamp '1970-01-01 00:00:00.001'
            ),
            case when _kind = 'CONNECTED_TO_AGENT' then _at end
        ) as connected_to_agent_at,
        upper(nullif(told_reason, '')) as disconnect_reason,
        upper(nullif(told_status, '')) as answering_machine_status,
        _landing as load_id
    from told

)

select * from renamed
