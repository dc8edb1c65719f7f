-- Grain: one day, subaccount, domain with at least one event.
select
    * exclude (grain, record_count, load_id, dimension, dimension_value)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_mailgun__metrics_by_period') }}
where grain = 'day' and dimension = 'all' and record_count > 0
