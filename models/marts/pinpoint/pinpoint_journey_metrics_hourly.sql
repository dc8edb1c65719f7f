-- Grain: one hour and journey with at least one event, snapshot or fetch of its definition.
with

metrics as (

    select * from {{ ref('int_pinpoint__journey_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
