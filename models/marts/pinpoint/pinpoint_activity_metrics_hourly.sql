-- Grain: one hour and activity with at least one event or snapshot.
with

metrics as (

    select * from {{ ref('int_pinpoint__activity_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
