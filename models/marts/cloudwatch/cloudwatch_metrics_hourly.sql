-- Grain: one hour, account, region, namespace, metric and set of its dimensions' values, with at least one datapoint.
select * exclude (grain, load_id)
from {{ ref('int_cloudwatch__metrics_by_period') }}
where grain = 'hour' and datapoints > 0
