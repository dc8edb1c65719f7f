-- Grain: one month and outbound campaign with at least one contact.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__contact_center_metrics') }}
where grain = 'month'
