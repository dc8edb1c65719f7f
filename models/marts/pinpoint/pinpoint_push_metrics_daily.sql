-- Grain: one day and push activity with at least one send, notification or fetch of its definition.
with

metrics as (

    select * from {{ ref('int_pinpoint__push_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'day'
