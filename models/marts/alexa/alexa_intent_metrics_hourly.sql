-- Grain: one hour, skill, stage, locale and intent with at least one IntentRequest.
with

metrics as (

    select * from {{ ref('int_alexa__intent_metrics_by_period') }}

)

select
    * exclude (grain, load_id)
from metrics
where grain = 'hour' and utterances > 0
