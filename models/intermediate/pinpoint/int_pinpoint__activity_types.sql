-- Grain: one activity of a journey whose type is known, for life: by its events, else its snapshots, else its
-- definition.
{{ config(tags='published', unique_key=['application_id', 'journey_id', 'activity_id']) }}

with

events as (

    select *
    from {{ read(ref('stg_pinpoint__events')) }}
    where is_changed

),

snapshots as (

    select *
    from {{ read(ref('stg_pinpoint__execution_metrics')) }}
    where is_changed

),

journeys as (

    select *
    from {{ read(ref('stg_pinpoint__journeys')) }}
    where is_changed

),

reported as (

    select application_id, journey_id, activity_id, activity_type, 1 as precedence
    from events
    where journey_id is not null and activity_id <> 'none'
    group by all

    union all by name

    -- MESSAGE, which snapshots of several types may state, isn't a type
    select application_id, journey_id, activity_id, activity_type, 2 as precedence
    from snapshots
    where activity_type <> 'MESSAGE' and activity_id <> 'all'
    group by all

    union all by name

    select application_id, journey_id, activity_id, activity_type, 3 as precedence
    from (select application_id, journey_id, unnest(activities, max_depth := 2) from journeys)
    group by all

    {% if is_incremental() %}
        union all by name
        select * exclude (load_id) from {{ this }}
    {% endif %}

),

-- Where one source reports several types, which none should, the same is chosen in whatever order they arrive.
facts as (

    select
        application_id,
        journey_id,
        activity_id,
        arg_min(activity_type, row(precedence, activity_type)) as activity_type,
        min(precedence) as precedence
    from reported
    where activity_type is not null
    group by application_id, journey_id, activity_id

)

{{ changed_facts(['application_id', 'journey_id', 'activity_id']) }}
