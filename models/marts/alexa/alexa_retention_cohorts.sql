-- Grain: one skill, locale, cohort of users by the week of their first request, and week from then on, 0 to 12.
select
    skill_id,
    locale,
    cohort_week,
    week_number,
    cohort_users,
    returning_users,
    retention_rate
from {{ ref('int_alexa__retention_cohorts') }}
where cohort_users > 0
