-- Grain: one fetch of a project's settings. They hold from `valid_from` until the next ones do.
{{ config(tags='published', unique_key=['application_id']) }}

with

settings as not materialized {{ read(ref('stg_pinpoint__application_settings')) }},

changed as (

    select distinct application_id from settings where is_changed

),

fetched as (

    select settings.*
    from settings
    semi join changed using (application_id)
    -- What a version states decides, never when it arrived. They are chosen here rather than by current_versions, as
    -- all fetches of a project are read anyway: each ends the one before.
    qualify
        row_number() over (
            partition by fetch_key
            order by modified_at desc nulls last, maximum_daily_messages_per_endpoint, quiet_time
        ) = 1

),

dated as (

    select
        *,
        case
            when row_number() over (partition by application_id, modified_at order by fetched_at) = 1
                then least(modified_at, fetched_at)
            else fetched_at
        end as valid_from
    from fetched

)

select
    application_id,
    fetched_at,
    -- of two since the same instant, the one fetched last holds; the other never does
    case
        when row_number() over (partition by application_id, valid_from order by fetched_at desc) = 1 then valid_from
    end as valid_from,
    maximum_daily_messages_per_endpoint,
    quiet_time,
    {{ load_id() }} as load_id
from dated
