-- Grain: one grain (hour, day, month), period and outbound campaign of Amazon Connect.
-- Every contact center metric is defined here and nowhere else.
{{ config(tags='published', unique_key=['campaign_id', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        *,
        coalesce(
            disconnect_reason in (
                'OUTBOUND_DESTINATION_ENDPOINT_ERROR', 'OUTBOUND_RESOURCE_ERROR', 'OUTBOUND_ATTEMPT_FAILED'
            ),
            false
        ) as is_failed,
        coalesce(disconnect_reason = 'EXPIRED', false) as is_expired,
        has_agent
        and coalesce(answering_machine_status not in ('VOICEMAIL_BEEP', 'VOICEMAIL_NO_BEEP'), true) as is_connected,
        contact_at as event_at,
        is_chosen as is_current
    from {{ read(ref('int_pinpoint__contacts')) }}

),

{{ changed_periods(['campaign_id']) }},

-- A contact's outcome: what it counts for, 1 or NULL.
event_flags as (

    select
        campaign_id,
        hour_start,
        day_start,
        month_start,
        answering_machine_status as status,
        is_connected,
        case when event_at is not null then 1 end as contact,
        case when is_failed then 1 end as failed,
        case when is_expired then 1 end as expired,
        case
            when
                not is_failed
                and not is_expired
                and (is_answered or answering_machine_status is not null)
                then 1
        end as successful
    from bucketed

),

counted as (

    select
        campaign_id,
        {{ grain_columns() }},
        count(contact) as record_count,
        count(successful) as successful_dials,
        count(case when is_connected then successful end) as connected,
        count(
            case when status in ('SIT_TONE_BUSY', 'SIT_TONE_DETECTED', 'SIT_TONE_INVALID_NUMBER') then successful end
        ) as sit_tone,
        count(case when status = 'FAX_MACHINE_DETECTED' then successful end) as fax,
        count(case when status = 'VOICEMAIL_BEEP' then successful end) as voicemail_beep,
        count(case when status = 'VOICEMAIL_NO_BEEP' then successful end) as voicemail_no_beep,
        count(case when status = 'AMD_UNANSWERED' then successful end) as not_answered,
        count(
            case
                when
                    status in ('AMD_ERROR', 'AMD_UNRESOLVED', 'AMD_UNRESOLVED_SILENCE', 'AMD_NOT_APPLICABLE')
                    and not is_connected
                    then successful
            end
        ) as connection_error,
        count(failed) as failed_dials,
        count(expired) as expired_dials,
        {{ load_id() }} as load_id
    from event_flags
    group by campaign_id, grouping sets ((hour_start), (day_start), (month_start))

),

with_rates as (

    select
        *,
        connected / nullif(successful_dials, 0) as connection_rate
    from counted

)

select * from with_rates where period_start is not null
