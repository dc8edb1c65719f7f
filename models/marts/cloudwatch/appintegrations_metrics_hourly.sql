-- Grain: one hour and integration with at least one datapoint.
select * exclude (grain, load_id)
from {{ ref('int_cloudwatch__appintegrations_metrics') }}
where grain = 'hour'
