-- Grain: one hour, skill, stage, locale, product id and product type with at least one event of purchasing.
select
    * exclude (grain, record_count, has_state, load_id)
from {{ ref('int_alexa__purchases_by_period') }}
where grain = 'hour' and record_count > 0
