-- Grain: one hour, account, configuration set, dimension and dimension value with at least one event.
select * exclude (grain, record_count, load_id)
from {{ ref('int_ses__metrics_by_period') }}
where grain = 'hour' and dimension <> 'all' and record_count > 0
