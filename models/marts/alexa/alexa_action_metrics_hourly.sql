-- Grain: one hour, skill, stage, locale, capability and directive with at least one directive or reported number.
select
    * exclude (grain, load_id)
from {{ ref('int_alexa__action_metrics_by_period') }}
where grain = 'hour' and (actions > 0 or utterances is not null)
