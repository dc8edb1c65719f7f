-- Grain: one month, skill, stage, locale, operation, capability and directive with at least one directive.
with

metrics as (

    select * from {{ ref('int_alexa__operations_by_period') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month' and request_volume > 0
