-- Grain: one hour, skill, stage, locale, product id and product type with at least one event of purchasing.
with

metrics as (

    select * from {{ ref('int_alexa__purchases_by_period') }}

)

select
    * exclude (grain, record_count, has_state, load_id)
from metrics
where grain = 'hour' and record_count > 0
