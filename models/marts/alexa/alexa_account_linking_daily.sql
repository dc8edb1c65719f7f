-- Grain: one day, skill, stage, locale and flow with at least one step of a linking.
select
    * exclude (grain, record_count, load_id)
    replace (cast(period_start as date) as period_start)
from {{ ref('int_alexa__account_linking_by_period') }}
where grain = 'day' and record_count > 0
