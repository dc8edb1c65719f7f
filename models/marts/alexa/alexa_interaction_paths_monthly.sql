-- Grain: one month, skill, stage, locale, step, from node and to node with at least one session that takes the step.
select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__interaction_paths_by_period') }}
where grain = 'month' and record_count > 0 and to_node <> 'all'
