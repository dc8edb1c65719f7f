-- Grain: one hour and Voice ID domain with at least one datapoint.
select * exclude (grain, load_id)
from {{ ref('int_cloudwatch__voice_id_domain_metrics') }}
where grain = 'hour'
