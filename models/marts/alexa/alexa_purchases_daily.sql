-- Grain: one day, skill, stage, locale, product id and product type with at least one event of purchasing,
-- or with a subscription by then.
select
    * exclude (grain, record_count, has_state, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__purchases_by_period') }}
where grain = 'day' and (record_count > 0 or has_state)
