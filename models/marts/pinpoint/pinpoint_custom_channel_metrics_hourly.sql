-- Grain: one hour and activity with at least one send through a function or webhook.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__custom_channel_metrics') }}
where grain = 'hour'
