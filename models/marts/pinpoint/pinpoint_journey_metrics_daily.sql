-- Grain: one day and journey with at least one event, snapshot or fetch of its definition.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__journey_metrics') }}
where grain = 'day'
