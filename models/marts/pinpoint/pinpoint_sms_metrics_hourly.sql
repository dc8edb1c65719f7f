-- Grain: one hour and activity with at least one SMS event.
with

metrics as (

    select * from {{ ref('int_pinpoint__sms_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
