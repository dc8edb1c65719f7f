-- Grain: one day and Connect instance for which a quota can be estimated.
select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_cloudwatch__quota_estimates_by_period') }}
where grain = 'day' and record_count > 0
