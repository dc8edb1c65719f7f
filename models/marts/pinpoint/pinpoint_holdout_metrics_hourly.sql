-- Grain: one hour and holdout activity with at least one snapshot.
with

metrics as (

    select * from {{ ref('int_pinpoint__holdout_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
