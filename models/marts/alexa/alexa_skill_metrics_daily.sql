-- Grain: one day, skill, stage and locale with at least one request, directive, event or reported number.
select
    * exclude (grain, record_count, reported_count, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__skill_metrics_by_period') }}
where grain = 'day' and (record_count > 0 or reported_count > 0)
