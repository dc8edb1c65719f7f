-- Grain: one month and wait activity with at least one snapshot.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__wait_metrics') }}
where grain = 'month'
