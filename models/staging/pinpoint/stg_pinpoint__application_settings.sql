-- Grain: one landed version of a project's settings, as they were fetched.
select
    _key as fetch_key,
    _at as fetched_at,
    "ApplicationId" as application_id,
    try_cast("LastModifiedDate" as timestamptz) at time zone 'UTC' as modified_at,
    -- 0 means that there is no such limit
    coalesce(
        nullif("JourneyLimits"."DailyCap", 0), "Limits"."Daily", "JourneyLimits"."DailyCap"
    ) as maximum_daily_messages_per_endpoint,
    nullif("QuietTime"."Start", '') || '-' || nullif("QuietTime"."End", '') as quiet_time,
    _landing as load_id
from {{ landed('pinpoint', 'application_settings') }}
