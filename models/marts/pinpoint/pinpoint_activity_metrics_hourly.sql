-- Grain: one hour and activity with at least one event or snapshot.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__activity_metrics') }}
where grain = 'hour'
