-- Grain: one hour and activity with at least one email event.
with

metrics as (

    select * from {{ ref('int_pinpoint__email_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
