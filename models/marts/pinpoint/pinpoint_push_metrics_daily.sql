-- Grain: one day and push activity with at least one send, notification or fetch of its definition.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__push_metrics') }}
where grain = 'day'
