-- Grain: one hour, skill, stage, locale and intent with at least one IntentRequest.
select
    * exclude (grain, load_id)
from {{ ref('int_alexa__intent_metrics_by_period') }}
where grain = 'hour' and utterances > 0
