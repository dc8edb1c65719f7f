-- Grain: one hour, account, region, namespace, metric and set of its dimensions' values, with at least one datapoint.
with

metrics as (

    select * from {{ ref('int_cloudwatch__metrics_by_period') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour' and datapoints > 0
