-- Grain: one day, account and configuration set with at least one event or reputation datapoint.
with

metrics as (

    select * from {{ ref('int_ses__metrics_by_period') }}

)

select
    * exclude (grain, record_count, load_id, dimension, dimension_value)
    replace (cast(period_start as date) as period_start)
from metrics
where grain = 'day' and dimension = 'all' and record_count > 0
