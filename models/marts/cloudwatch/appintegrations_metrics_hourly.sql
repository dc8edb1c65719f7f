-- Grain: one hour and integration with at least one datapoint.
with

metrics as (

    select * from {{ ref('int_cloudwatch__appintegrations_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
