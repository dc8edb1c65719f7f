-- Grain: one month, skill, stage, locale and intent with at least one IntentRequest.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__intent_metrics_by_period') }}
where grain = 'month' and utterances > 0
