-- Grain: one hour and flow with at least one datapoint.
select * exclude (grain, load_id)
from {{ ref('int_cloudwatch__connect_flow_metrics') }}
where grain = 'hour'
