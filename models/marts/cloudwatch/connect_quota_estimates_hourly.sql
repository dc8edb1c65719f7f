-- Grain: one hour and Connect instance for which a quota can be estimated.
select * exclude (grain, record_count, load_id)
from {{ ref('int_cloudwatch__quota_estimates_by_period') }}
where grain = 'hour' and record_count > 0
