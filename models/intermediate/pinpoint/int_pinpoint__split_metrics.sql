-- Grain: one grain (hour, day, month), period, split activity whose counters were told, and path that was ever taken or
-- that the journey's definition has at the period's end. What a path leads to is as the definition had it then.
{{ config(materialized='view', database='touchstone') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__activity_definitions') }}

),

counters as (

    select *
    from {{ ref('int_pinpoint__counters_by_subject') }}
    where path is not null

),

ended as (

    select
        application_id,
        journey_id,
        activity_id,
        activity_type,
        grain,
        period_start,
        max(load_id) as load_id,
        {{ period_end('grain', 'period_start') }} as period_end
    from counters
    group by all

),

defined as (

    select
        ended.*,
        definitions.branches,
        definitions.fetched_at
    from ended
    asof left join definitions
        on
            ended.application_id = definitions.application_id
            and ended.journey_id = definitions.journey_id
            and ended.activity_id = definitions.activity_id
            and ended.period_end > definitions.valid_from

),

-- a path that nobody has taken is told of by the definition alone
paths as (

    select
        application_id,
        journey_id,
        activity_id,
        activity_type,
        grain,
        period_start,
        path,
        cast(sum(value) as bigint) as path_participants,
        cast(sum(increase) as bigint) as path_participants_delta,
        bool_or(has_shrunk) as has_shrunk,
        max(load_id) as load_id
    from (
        select * from counters
        union all by name
        select
            * exclude (period_end, fetched_at, branches),
            unnest([b.path for b in branches]) as path,
            0 as value,
            0 as increase,
            false as has_shrunk
        from defined
    )
    group by all

),

totalled as (

    select
        *,
        cast(sum(path_participants) over activity as bigint) as total_participants,
        cast(sum(path_participants_delta) over activity as bigint) as total_participants_delta
    from paths
    window activity as (partition by application_id, journey_id, activity_id, activity_type, grain, period_start)

),

branched as (

    select
        totalled.*,
        list_filter(defined.branches, lambda b: b.path = totalled.path)[1] as branch,
        defined.fetched_at
    from totalled
    inner join defined using (application_id, journey_id, activity_id, activity_type, grain, period_start)

),

named as (

    select
        branched.application_id,
        branched.journey_id,
        journey_names.journey_name,
        branched.activity_id,
        activity_names.activity_name,
        case branched.activity_type
            when 'CONDITIONAL_SPLIT' then 'yes_no'
            when 'MULTI_CONDITIONAL_SPLIT' then 'multivariate'
            when 'RANDOM_SPLIT' then 'random'
        end as split_type,
        branched.path,
        branched.grain,
        branched.period_start,
        branched.total_participants,
        branched.total_participants_delta,
        branched.path_participants,
        branched.path_participants_delta,
        branched.branch.next_activity_id as next_activity_id,
        next_activities.activity_name as next_activity_name,
        branched.branch.target_share as target_share,
        branched.has_shrunk,
        greatest(
            branched.load_id, (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})
        ) as load_id
    from branched
    left join definitions as next_activities
        on
            branched.application_id = next_activities.application_id
            and branched.journey_id = next_activities.journey_id
            and branched.branch.next_activity_id = next_activities.activity_id
            and branched.fetched_at = next_activities.fetched_at
    left join {{ ref('int_pinpoint__journey_names') }} as journey_names
        on branched.application_id = journey_names.application_id and branched.journey_id = journey_names.journey_id
    left join {{ ref('int_pinpoint__activity_names') }} as activity_names
        on
            branched.application_id = activity_names.application_id
            and branched.journey_id = activity_names.journey_id
            and branched.activity_id = activity_names.activity_id

)

select * from named
