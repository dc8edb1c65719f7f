-- Grain: one day, skill, stage and locale with at least one StateReport.
with

metrics as (

    select * from {{ ref('int_alexa__change_reports_by_period') }}

)

select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'day' and record_count > 0
