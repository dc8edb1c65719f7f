-- Grain: one day and activity with at least one event or snapshot.
with

metrics as (

    select * from {{ ref('int_pinpoint__activity_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'day'
