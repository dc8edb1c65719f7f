-- Grain: one month and Voice ID domain with at least one datapoint.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_cloudwatch__voice_id_domain_metrics') }}
where grain = 'month'
