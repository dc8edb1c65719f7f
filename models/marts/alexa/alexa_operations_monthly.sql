-- Grain: one month, skill, stage, locale, operation, capability and directive with at least one directive.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__operations_by_period') }}
where grain = 'month' and request_volume > 0
