-- Grain: one month and queue with at least one datapoint.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_cloudwatch__connect_queue_metrics') }}
where grain = 'month'
