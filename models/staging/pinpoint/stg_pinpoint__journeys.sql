-- Grain: one landed version of a journey's definition, as it was fetched.
with

source as (

    select * from {{ landed('pinpoint', 'journeys') }}

),

parsed as (

    select
        *,
        coalesce(try_cast("Activities" as map(varchar, json)), map()) as activities_by_id
    from source

),

renamed as (

    select
        _key as fetch_key,
        _at as fetched_at,
        "ApplicationId" as application_id,
        "Id" as journey_id,
        nullif("Name", '') as journey_name,
        coalesce(starts_with("Name", 'Test-'), false) as is_test,
        try_cast("LastModifiedDate" as timestamptz) at time zone 'UTC' as modified_at,
        "RefreshOnSegmentUpdate" as refreshes_on_segment_update,
        nullif("RefreshFrequency", '') as refresh_frequency,
        try_cast("Schedule"."StartTime" as timestamptz) at time zone 'UTC' as starts_at,
        try_cast("Schedule"."EndTime" as timestamptz) at time zone 'UTC' as ends_at,
        "Limits"."EndpointReentryCap" as maximum_entries_per_endpoint,
        "Limits"."DailyCap" as maximum_daily_messages_per_endpoint,
        nullif("QuietTime"."Start", '') || '-' || nullif("QuietTime"."End", '') as quiet_time,
        nullif(split_part("JourneyChannelSettings"."ConnectCampaignArn", '/', -1), '') as connect_campaign_id,
        -- types under the names that the API's metrics give them
        list_transform(map_entries(activities_by_id), lambda a: struct_pack(
            activity_id := a.key,
            activity_type := case
                when json_type(a."value", '$.EMAIL') = 'OBJECT' then 'EMAIL'
                when json_type(a."value", '$.SMS') = 'OBJECT' then 'SMS'
                when json_type(a."value", '$.PUSH') = 'OBJECT' then 'PUSH'
                when json_type(a."value", '$.CUSTOM') = 'OBJECT' then 'CUSTOM'
                when json_type(a."value", '$.ContactCenter') = 'OBJECT' then 'CONTACT_CENTER'
                when json_type(a."value", '$.Wait') = 'OBJECT' then 'WAIT'
                when json_type(a."value", '$.ConditionalSplit') = 'OBJECT' then 'CONDITIONAL_SPLIT'
                when json_type(a."value", '$.MultiCondition') = 'OBJECT' then 'MULTI_CONDITIONAL_SPLIT'
                when json_type(a."value", '$.RandomSplit') = 'OBJECT' then 'RANDOM_SPLIT'
                when json_type(a."value", '$.Holdout') = 'OBJECT' then 'HOLDOUT'
            end,
            activity_name := nullif(a."value" ->> '$.Description', ''),
            time_to_live_seconds := try_cast(a."value" ->> '$.PUSH.MessageConfig.TimeToLive' as bigint),
            -- what follows on each path; NULL where a path ends the journey
            branches := list_concat(
                case when json_type(a."value", '$.ConditionalSplit') = 'OBJECT' then [
                    struct_pack(
                        path := 'Yes',
                        next_activity_id := a."value" ->> '$.ConditionalSplit.TrueActivity',
                        target_share := cast(null as double)
                    ),
                    struct_pack(
                        path := 'No',
                        next_activity_id := a."value" ->> '$.ConditionalSplit.FalseActivity',
                        target_share := cast(null as double)
                    )
                ] end,
                list_transform(
                    list_concat(
                        json_extract(a."value", '$.MultiCondition.Branches[*]'),
                        json_extract(a."value", '$.RandomSplit.Branches[*]')
                    ),
                    lambda b, i: struct_pack(
                        path := 'Branch_' || i,
                        next_activity_id := b ->> '$.NextActivity',
                        target_share := try_cast(b ->> '$.Percentage' as double) / 100
                    )
                ),
                case when json_type(a."value", '$.MultiCondition') = 'OBJECT' then [
                    struct_pack(
                        path := 'Else',
                        next_activity_id := a."value" ->> '$.MultiCondition.DefaultActivity',
                        target_share := cast(null as double)
                    )
                ] end
            )
        )) as activities,
        cast("Activities" as varchar) as stated_activities,
        _landing as load_id
    from parsed

)

select * from renamed
