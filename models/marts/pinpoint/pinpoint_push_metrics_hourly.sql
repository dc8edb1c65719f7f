-- Grain: one hour and push activity with at least one send, notification or fetch of its definition.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__push_metrics') }}
where grain = 'hour'
