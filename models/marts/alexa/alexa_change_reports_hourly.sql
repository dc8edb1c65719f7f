-- Grain: one hour, skill, stage and locale with at least one StateReport.
with

metrics as (

    select * from {{ ref('int_alexa__change_reports_by_period') }}

)

select
    * exclude (grain, record_count, load_id)
from metrics
where grain = 'hour' and record_count > 0
