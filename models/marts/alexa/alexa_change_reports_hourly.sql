-- Grain: one hour, skill, stage and locale with at least one StateReport.
select
    * exclude (grain, record_count, load_id)
from {{ ref('int_alexa__change_reports_by_period') }}
where grain = 'hour' and record_count > 0
