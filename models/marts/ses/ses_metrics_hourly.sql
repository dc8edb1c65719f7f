-- Grain: one hour, account and configuration set with at least one event or reputation datapoint.
select * exclude (grain, record_count, load_id, dimension, dimension_value)
from {{ ref('int_ses__metrics_by_period') }}
where grain = 'hour' and dimension = 'all' and record_count > 0
