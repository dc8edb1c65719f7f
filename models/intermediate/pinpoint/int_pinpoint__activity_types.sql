-- Grain: one activity of a journey whose type is known, for life: what its events say, else its snapshots, else its
-- definition.
{{ config(database='touchstone', unique_key=['application_id', 'journey_id', 'activity_id']) }}

with

events as (

    select *
    from {{ ref('stg_pinpoint__events') }}
    where landing > {{ processed_landing() }} and landing <= {{ last_landing() }}

),

snapshots as (

    select *
    from {{ ref('stg_pinpoint__execution_metrics') }}
    where landing > {{ processed_landing() }} and landing <= {{ last_landing() }}

),

journeys as (

    select *
    from {{ ref('stg_pinpoint__journeys') }}
    where landing > {{ processed_landing() }} and landing <= {{ last_landing() }}

),

reported as (

    select application_id, journey_id, activity_id, activity_type, 1 as precedence, max(landing) as landing
    from events
    where journey_id is not null and activity_id <> 'none'
    group by all

    union all by name

    -- MESSAGE, which snapshots of several types may say, is none
    select application_id, journey_id, activity_id, activity_type, 2 as precedence, max(landing) as landing
    from snapshots
    where activity_type <> 'MESSAGE' and activity_id <> 'all'
    group by all

    union all by name

    select application_id, journey_id, activity_id, activity_type, 3 as precedence, max(landing) as landing
    from (select application_id, journey_id, landing, unnest(activities, max_depth := 2) from journeys)
    group by all

    {% if is_incremental() %}
        union all by name
        select * from {{ this }}
    {% endif %}

),

-- of several types that one source reports, which none should, the same in whatever order they arrive
chosen as (

    select
        application_id,
        journey_id,
        activity_id,
        arg_min(activity_type, row(precedence, activity_type)) as activity_type,
        min(precedence) as precedence,
        max(landing) as landing
    from reported
    where activity_type is not null
    group by application_id, journey_id, activity_id

)

select chosen.*
from chosen
{% if is_incremental() %}
    -- what has not changed keeps its landing, and with it the periods that its sends count in
    anti join {{ this }} as earlier using (application_id, journey_id, activity_id, activity_type, precedence)
{% endif %}
