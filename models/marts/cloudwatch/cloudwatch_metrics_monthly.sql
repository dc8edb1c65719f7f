-- Grain: one month, account, region, namespace, metric and set of its dimensions' values, with at least one datapoint.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_cloudwatch__metrics_by_period') }}
where grain = 'month' and datapoints > 0
