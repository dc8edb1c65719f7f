-- Grain: one month and activity with at least one send through a function or webhook.
select
    * exclude (grain, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_pinpoint__custom_channel_metrics') }}
where grain = 'month'
