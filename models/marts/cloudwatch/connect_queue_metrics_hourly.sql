-- Grain: one hour and queue with at least one datapoint.
with

metrics as (

    select * from {{ ref('int_cloudwatch__connect_queue_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
