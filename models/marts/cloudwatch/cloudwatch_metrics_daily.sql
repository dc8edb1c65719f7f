-- Grain: one day, account, region, namespace, metric and set of its dimensions' values, with at least one datapoint.
with

metrics as (

    select * from {{ ref('int_cloudwatch__metrics_by_period') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'day' and datapoints > 0
