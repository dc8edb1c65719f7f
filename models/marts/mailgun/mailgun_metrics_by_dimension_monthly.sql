-- Grain: one month, subaccount, domain, dimension and dimension value with at least one event.
with

metrics as (

    select * from {{ ref('int_mailgun__metrics_by_period') }}

)

select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'month' and dimension <> 'all' and record_count > 0
