-- Grain: one hour and wait activity with at least one snapshot.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__wait_metrics') }}
where grain = 'hour'
