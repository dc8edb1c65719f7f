-- Grain: one month and activity with at least one event or snapshot.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__activity_metrics') }}
where grain = 'month'
