-- Grain: one hour and path of a split activity with at least one snapshot.
with

metrics as (

    select * from {{ ref('int_pinpoint__split_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
