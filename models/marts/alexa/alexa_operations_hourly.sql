-- Grain: one hour, skill, stage, locale, operation, capability and directive with at least one directive.
with

metrics as (

    select * from {{ ref('int_alexa__operations_by_period') }}

)

select
    * exclude (grain, load_id)
from metrics
where grain = 'hour' and request_volume > 0
