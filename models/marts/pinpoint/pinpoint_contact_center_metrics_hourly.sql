-- Grain: one hour and outbound campaign with at least one contact.
select * exclude (grain, load_id)
from {{ ref('int_pinpoint__contact_center_metrics') }}
where grain = 'hour'
