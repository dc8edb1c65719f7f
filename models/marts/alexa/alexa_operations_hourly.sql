-- Grain: one hour, skill, stage, locale, operation, capability and directive with at least one directive.
select
    * exclude (grain, load_id)
from {{ ref('int_alexa__operations_by_period') }}
where grain = 'hour' and request_volume > 0
