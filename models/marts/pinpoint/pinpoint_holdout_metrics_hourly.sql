-- Grain: one hour and holdout activity with at least one snapshot.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__holdout_metrics') }}
where grain = 'hour'
