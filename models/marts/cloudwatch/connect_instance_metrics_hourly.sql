-- Grain: one hour and Connect instance with at least one datapoint.
with

metrics as (

    select * from {{ ref('int_cloudwatch__connect_instance_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
