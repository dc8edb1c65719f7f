-- Grain: one grain (hour, day, month), period, split activity and path whose counters were told. What a path leads to
-- is as the journey's definition had it at the period's end.
{{ config(materialized='view', database='touchstone') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__activity_definitions') }}

),

paths as (

    select
        application_id,
        journey_id,
        activity_id,
        grain,
        period_start,
        case activity_type
            when 'CONDITIONAL_SPLIT' then 'yes_no'
            when 'MULTI_CONDITIONAL_SPLIT' then 'multivariate'
            when 'RANDOM_SPLIT' then 'random'
        end as split_type,
        -- the name of the counter of those whom no branch takes isn't documented
        case
            when counter = 'Branch_TRUE' then 'Yes'
            when counter = 'Branch_FALSE' then 'No'
            when regexp_full_match(counter, 'Branch_\d+') then counter
            else 'Else'
        end as path,
        cast(sum(value) as bigint) as path_participants,
        cast(sum(increase) as bigint) as path_participants_delta,
        bool_or(has_shrunk) as has_shrunk,
        max(landing) as landing
    from {{ ref('int_pinpoint__counters_by_period') }}
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)
    where activity_type in ('CONDITIONAL_SPLIT', 'MULTI_CONDITIONAL_SPLIT', 'RANDOM_SPLIT')
    group by all

),

totalled as (

    select
        *,
        cast(sum(path_participants) over activity as bigint) as total_participants,
        cast(sum(path_participants_delta) over activity as bigint) as total_participants_delta,
        {{ period_end('grain', 'period_start') }} as period_end
    from paths
    window activity as (partition by application_id, journey_id, activity_id, grain, period_start)

),

defined as (

    select
        totalled.*,
        list_filter(definitions.branches, lambda b: b.path = totalled.path)[1] as branch,
        definitions.fetched_at,
        greatest(
            totalled.landing, (select max(landing) from {{ ref('int_pinpoint__journey_definitions') }})
        ) as defined_landing
    from totalled
    asof left join definitions
        on
            totalled.application_id = definitions.application_id
            and totalled.journey_id = definitions.journey_id
            and totalled.activity_id = definitions.activity_id
            and totalled.period_end > definitions.valid_from

),

named as (

    select
        defined.application_id,
        defined.journey_id,
        defined.activity_id,
        defined.split_type,
        defined.path,
        defined.grain,
        defined.period_start,
        defined.total_participants,
        defined.total_participants_delta,
        defined.path_participants,
        defined.path_participants_delta,
        defined.branch.next_activity_id as next_activity_id,
        next_activities.activity_name as next_activity_name,
        defined.branch.target_share as target_share,
        defined.has_shrunk,
        defined.defined_landing as landing
    from defined
    left join definitions as next_activities
        on
            defined.application_id = next_activities.application_id
            and defined.journey_id = next_activities.journey_id
            and defined.branch.next_activity_id = next_activities.activity_id
            and defined.fetched_at = next_activities.fetched_at

)

select * from named
