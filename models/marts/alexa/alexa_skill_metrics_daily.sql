-- Grain: one day, skill, stage and locale with at least one request, directive, event or reported number.
with

metrics as (

    select * from {{ ref('int_alexa__skill_metrics_by_period') }}

)

select
    * exclude (grain, record_count, reported_count, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'day' and (record_count > 0 or reported_count > 0)
