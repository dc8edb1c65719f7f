-- Grain: one hour, skill, stage, locale and flow with at least one step of a linking.
select
    * exclude (grain, record_count, load_id)
from {{ ref('int_alexa__account_linking_by_period') }}
where grain = 'hour' and record_count > 0
