-- Grain: one month, skill, stage and locale with at least one StateReport.
select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__change_reports_by_period') }}
where grain = 'month' and record_count > 0
