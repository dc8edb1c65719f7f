-- Grain: one month and activity with at least one SMS event.
with

metrics as (

    select * from {{ ref('int_pinpoint__sms_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month'
