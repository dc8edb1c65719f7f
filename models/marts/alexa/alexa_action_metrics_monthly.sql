-- Grain: one month, skill, stage, locale, capability and directive with at least one directive or reported number.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__action_metrics_by_period') }}
where grain = 'month' and (actions > 0 or utterances is not null)
