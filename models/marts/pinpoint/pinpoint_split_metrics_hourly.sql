-- Grain: one hour and path of a split activity with at least one snapshot.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__split_metrics') }}
where grain = 'hour'
