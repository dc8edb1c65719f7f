-- Grain: one hour, subaccount, domain with at least one event.
select * exclude (grain, record_count, load_id, dimension, dimension_value)
from {{ ref('int_mailgun__metrics_by_period') }}
where grain = 'hour' and dimension = 'all' and record_count > 0
