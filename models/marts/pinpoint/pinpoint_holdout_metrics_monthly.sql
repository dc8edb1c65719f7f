-- Grain: one month and holdout activity with at least one snapshot.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__holdout_metrics') }}
where grain = 'month'
