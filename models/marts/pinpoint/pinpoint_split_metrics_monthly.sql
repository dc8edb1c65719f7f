-- Grain: one month and path of a split activity with at least one snapshot.
with

metrics as (

    select * from {{ ref('int_pinpoint__split_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month'
