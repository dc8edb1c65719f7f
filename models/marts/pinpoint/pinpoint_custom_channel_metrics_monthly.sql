-- Grain: one month and activity with at least one send through a function or webhook.
with

metrics as (

    select * from {{ ref('int_pinpoint__custom_channel_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month'
