-- Grain: one hour, subaccount, domain with at least one event.
with

metrics as (

    select * from {{ ref('int_mailgun__metrics_by_period') }}

)

select * exclude (grain, record_count, load_id, dimension, dimension_value)
from metrics
where grain = 'hour' and dimension = 'all' and record_count > 0
