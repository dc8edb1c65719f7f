-- Grain: one day and activity with at least one SMS event.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__sms_metrics') }}
where grain = 'day'
