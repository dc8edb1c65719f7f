-- Grain: one open or click of a message that counts; `is_first_of_*` where it is the message's first of a period.
-- A message is counted with its first open or click of a period: far cheaper than to count distinct ids in each slice.
-- That holds where its opens, or clicks, have the same dimensions; where they are mixed, the message's id is counted.
{{ config(unique_key='event_key') }}

with

events as not materialized (

    select
        *,
        row(
            caller_identity, from_domain, source_ip, source_tls_version, outgoing_ip, outgoing_tls_version, operation,
            feedback_id_a, feedback_id_b, custom_dimensions
        ) as profile
    from {{ read(ref('int_ses__events')) }}
    where event in ('open', 'click')

),

changed as (

    -- by any version, also one that no longer counts; joins leave out what has no message id
    select distinct account_id, configuration_set, event, message_id from events where is_changed

),

engagements as (

    select
        events.*,
        min(profile) over message <> max(profile) over message as is_mixed,
        lag(event_at) over (message order by event_at, event_key) as previous_at
    from events
    semi join changed using (account_id, configuration_set, event, message_id)
    where is_current
    window message as (partition by account_id, configuration_set, event, message_id)

),

facts as (

    select
        event_key,
        account_id,
        configuration_set,
        event_at,
        is_mixed,
        not is_mixed
        and date_trunc('hour', event_at) is distinct from date_trunc('hour', previous_at) as is_first_of_hour,
        not is_mixed
        and {{ reporting_date('event_at') }} is distinct from {{ reporting_date('previous_at') }} as is_first_of_day,
        not is_mixed
        and date_trunc('month', {{ reporting_date('event_at') }})
        is distinct from date_trunc('month', {{ reporting_date('previous_at') }}) as is_first_of_month
    from engagements

)

{{ changed_facts(['event_key']) }}
