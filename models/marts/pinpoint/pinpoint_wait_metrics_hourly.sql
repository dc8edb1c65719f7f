-- Grain: one hour and wait activity with at least one snapshot.
with

metrics as (

    select * from {{ ref('int_pinpoint__wait_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
