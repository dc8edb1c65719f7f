-- Grain: one hour and Voice ID operation with at least one datapoint.
select * exclude (grain, load_id)
from {{ ref('int_cloudwatch__voice_id_api_metrics') }}
where grain = 'hour'
