-- Grain: one month, skill, stage, locale and flow with at least one step of a linking.
with

metrics as (

    select * from {{ ref('int_alexa__account_linking_by_period') }}

)

select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month' and record_count > 0
