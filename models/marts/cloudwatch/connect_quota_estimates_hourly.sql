-- Grain: one hour and Connect instance for which a quota can be estimated.
with

estimates as (

    select * from {{ ref('int_cloudwatch__quota_estimates_by_period') }}

)

select * exclude (grain, record_count, load_id)
from estimates
where grain = 'hour' and record_count > 0
