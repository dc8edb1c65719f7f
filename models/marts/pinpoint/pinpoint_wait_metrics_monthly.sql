-- Grain: one month and wait activity with at least one snapshot.
with

metrics as (

    select * from {{ ref('int_pinpoint__wait_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month'
