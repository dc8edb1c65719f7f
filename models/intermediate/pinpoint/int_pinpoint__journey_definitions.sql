-- Grain: one definition of a journey, as it was fetched. It holds from `valid_from` until the next one does.
{{ config(tags='published', unique_key=['application_id', 'journey_id']) }}

with

journeys as not materialized {{ read(ref('stg_pinpoint__journeys')) }},

changed as (

    select distinct application_id, journey_id from journeys where is_changed

),

fetched as (

    select journeys.*
    from journeys
    semi join changed using (application_id, journey_id)
    -- What a version states decides, never when it arrived. They are chosen here rather than by current_versions, as
    -- all fetches of a journey are read anyway: each ends the one before.
    qualify
        row_number() over (
            partition by fetch_key
            order by
                modified_at desc nulls last,
                -- versions that are equal in all of these are equal in every number
                is_test, journey_name, refreshes_on_segment_update, refresh_frequency, starts_at, ends_at, quiet_time,
                maximum_entries_per_endpoint, maximum_daily_messages_per_endpoint, connect_campaign_id,
                stated_activities
        ) = 1

),

-- A definition holds from its last change on, however much later it was fetched. Another one that states the same last
-- change holds from its fetch on.
dated as (

    select
        *,
        case
            when row_number() over (partition by application_id, journey_id, modified_at order by fetched_at) = 1
                then least(modified_at, fetched_at)
            else fetched_at
        end as valid_from
    from fetched

),

described as (

    select
        application_id,
        journey_id,
        fetched_at,
        -- of two since the same instant, the one fetched last holds; the other never does
        case
            when
                row_number() over (
                    partition by application_id, journey_id, valid_from order by fetched_at desc
                ) = 1
                then valid_from
        end as valid_from,
        journey_name,
        is_test,
        refreshes_on_segment_update,
        refresh_frequency,
        starts_at,
        ends_at,
        regexp_extract(
            refresh_frequency,
            '^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$',
            ['weeks', 'days', 'hours', 'minutes', 'seconds']
        ) as frequency,
        maximum_entries_per_endpoint,
        maximum_daily_messages_per_endpoint,
        quiet_time,
        len(list_filter(activities, lambda a: a.activity_type = 'EMAIL')) as email_activities,
        len(list_filter(activities, lambda a: a.activity_type = 'SMS')) as sms_activities,
        len(list_filter(activities, lambda a: a.activity_type = 'PUSH')) as push_activities,
        len(list_filter(activities, lambda a: a.activity_type = 'CUSTOM')) as custom_activities,
        len(list_filter(activities, lambda a: a.activity_type = 'CONTACT_CENTER')) as contact_center_activities,
        connect_campaign_id,
        activities
    from dated

),

scheduled as (

    select
        * exclude (refresh_frequency, frequency, starts_at, ends_at),
        refresh_frequency is not null as refreshes_by_interval,
        case
            when refresh_frequency is null then 0
            else date_diff('microsecond', starts_at, ends_at) // nullif(1000000 * (
                604800 * coalesce(try_cast(frequency.weeks as bigint), 0)
                + 86400 * coalesce(try_cast(frequency.days as bigint), 0)
                + 3600 * coalesce(try_cast(frequency.hours as bigint), 0)
                + 60 * coalesce(try_cast(frequency.minutes as bigint), 0)
                + coalesce(try_cast(frequency.seconds as bigint), 0)
            ), 0)
        end as entry_segment_refreshes_planned,
        {{ load_id() }} as load_id
    from described

)

select * from scheduled
