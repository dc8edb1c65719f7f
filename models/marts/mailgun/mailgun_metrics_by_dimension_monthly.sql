-- Grain: one month, subaccount, domain, dimension and dimension value with at least one event.
select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_mailgun__metrics_by_period') }}
where grain = 'month' and dimension <> 'all' and record_count > 0
