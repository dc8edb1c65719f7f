-- Grain: one month and activity with at least one email event.
with

metrics as (

    select * from {{ ref('int_pinpoint__email_metrics') }}

)

select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month'
