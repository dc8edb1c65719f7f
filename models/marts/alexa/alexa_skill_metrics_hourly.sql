-- Grain: one hour, skill, stage and locale with at least one request, directive, event or reported number.
select
    * exclude (grain, record_count, reported_count, load_id)
from {{ ref('int_alexa__skill_metrics_by_period') }}
where grain = 'hour' and (record_count > 0 or reported_count > 0)
