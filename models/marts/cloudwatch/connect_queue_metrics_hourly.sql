-- Grain: one hour and queue with at least one datapoint.
select * exclude (grain, load_id)
from {{ ref('int_cloudwatch__connect_queue_metrics') }}
where grain = 'hour'
