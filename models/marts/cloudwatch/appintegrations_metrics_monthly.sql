-- Grain: one month and integration with at least one datapoint.
with

metrics as (

    select * from {{ ref('int_cloudwatch__appintegrations_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month'
