-- Grain: one hour and Connect instance with at least one datapoint.
select * exclude (grain, load_id)
from {{ ref('int_cloudwatch__connect_instance_metrics') }}
where grain = 'hour'
