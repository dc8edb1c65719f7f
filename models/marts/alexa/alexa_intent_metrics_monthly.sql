-- Grain: one month, skill, stage, locale and intent with at least one IntentRequest.
with

metrics as (

    select * from {{ ref('int_alexa__intent_metrics_by_period') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month' and utterances > 0
