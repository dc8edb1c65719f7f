-- Grain: one hour and journey with at least one event, snapshot or fetch of its definition.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__journey_metrics') }}
where grain = 'hour'
