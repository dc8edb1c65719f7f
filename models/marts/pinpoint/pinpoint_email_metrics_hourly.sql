-- Grain: one hour and activity with at least one email event.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__email_metrics') }}
where grain = 'hour'
