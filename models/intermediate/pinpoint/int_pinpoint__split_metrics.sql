-- Grain: one grain (hour, day, month), period, split activity with reported counters, and path that was ever taken or
-- that the journey's definition has at the period's end. What a path leads to is by that definition.
{{ config(materialized='table', tags='published') }}

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

-- a path that nobody has taken is known by the definition alone
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

with_totals as (

    select
        *,
        cast(sum(path_participants) over activity as bigint) as total_participants,
        cast(sum(path_participants_delta) over activity as bigint) as total_participants_delta
    from paths
    window activity as (partition by application_id, journey_id, activity_id, activity_type, grain, period_start)

),

with_branches as (

    select
        with_totals.*,
        list_filter(defined.branches, lambda b: b.path = with_totals.path)[1] as branch,
        defined.fetched_at
    from with_totals
    inner join defined using (application_id, journey_id, activity_id, activity_type, grain, period_start)

),

with_names as (

    select
        with_branches.application_id,
        with_branches.journey_id,
        journey_names.journey_name,
        with_branches.activity_id,
        activity_names.activity_name,
        case with_branches.activity_type
            when 'CONDITIONAL_SPLIT' then 'yes_no'
            when 'MULTI_CONDITIONAL_SPLIT' then 'multivariate'
            when 'RANDOM_SPLIT' then 'random'
        end as split_type,
        with_branches.path,
        with_branches.grain,
        with_branches.period_start,
        with_branches.total_participants,
        with_branches.total_participants_delta,
        with_branches.path_participants,
        with_branches.path_participants_delta,
        with_branches.branch.next_activity_id as next_activity_id,
        next_activities.activity_name as next_activity_name,
        with_branches.branch.target_share as target_share,
        with_branches.has_shrunk,
        greatest(
            with_branches.load_id, (select max(load_id) from {{ ref('int_pinpoint__journey_definitions') }})
        ) as load_id
    from with_branches
    left join {{ ref('int_pinpoint__journey_names') }} as journey_names using (application_id, journey_id)
    left join {{ ref('int_pinpoint__activity_names') }} as activity_names
        using (application_id, journey_id, activity_id)
    left join definitions as next_activities
        on
            with_branches.application_id = next_activities.application_id
            and with_branches.journey_id = next_activities.journey_id
            and with_branches.branch.next_activity_id = next_activities.activity_id
            and with_branches.fetched_at = next_activities.fetched_at

)

select * from with_names
