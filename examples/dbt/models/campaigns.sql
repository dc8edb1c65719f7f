-- After Touchstone: a table of the shop's own, made of a mart.
select
    period_start as month,
    dimension_value as tag,
    delivered_count,
    opened_rate
from {{ ref('touchstone', 'mailgun_metrics_by_dimension_monthly') }}
where dimension = 'tag'
