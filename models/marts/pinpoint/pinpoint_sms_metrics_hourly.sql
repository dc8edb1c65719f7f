-- Grain: one hour and activity with at least one SMS event.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__sms_metrics') }}
where grain = 'hour'
