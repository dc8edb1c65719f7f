-- Grain: one hour and activity with at least one send through a function or webhook.
with

metrics as (

    select * from {{ ref('int_pinpoint__custom_channel_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
