-- Grain: one month and Connect instance with at least one datapoint.
with

metrics as (

    select * from {{ ref('int_cloudwatch__connect_instance_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month'
