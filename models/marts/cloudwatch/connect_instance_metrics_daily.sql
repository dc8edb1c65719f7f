-- Grain: one day and Connect instance with at least one datapoint.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_cloudwatch__connect_instance_metrics') }}
where grain = 'day'
