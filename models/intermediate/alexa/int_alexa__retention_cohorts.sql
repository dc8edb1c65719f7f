-- Grain: one cohort, those users of a skill and locale whose first request was in one week, and one week after it,
-- 0 to 12.
{{ config(database='touchstone', unique_key=['skill_id', 'locale', 'cohort_week']) }}

with

active_weeks as not materialized (

    select * from {{ ref('int_alexa__active_weeks') }}

),

landed as (

    select {{ reporting_date('max(received_at)') }} as until from {{ ref('int_alexa__turns') }}

),

touched as (

    select distinct skill_id, locale, cohort_week
    from active_weeks
    where landing > {{ processed_landing() }}
    {% if is_incremental() %}

    union

    -- weeks may be over since
    select distinct skill_id, locale, cohort_week from {{ this }} where returning_users is null
    {% endif %}

),

counted as (

    select
        skill_id,
        locale,
        cohort_week,
        date_diff('day', cohort_week, active_week) // 7 as week_number,
        count(*) as users
    from active_weeks
    semi join touched using (skill_id, locale, cohort_week)
    where is_current
    group by skill_id, locale, cohort_week, week_number

),

-- Every cohort has all of its weeks. One whose users have all moved to another is counted too: to nothing.
cells as (

    select
        *,
        unnest(range(13)) as week_number
    from touched

),

filled as (

    select
        cells.*,
        coalesce(counted.users, 0) as users,
        max(coalesce(counted.users, 0)) filter (where week_number = 0) over (
            partition by skill_id, locale, cohort_week
        ) as cohort_users
    from cells
    left join counted using (skill_id, locale, cohort_week, week_number)

),

rated as (

    select
        skill_id,
        locale,
        cohort_week,
        week_number,
        cohort_users,
        -- a week that isn't over has no number yet
        case
            when cohort_week + cast(7 * (week_number + 1) as integer) <= landed.until then users
        end as returning_users,
        returning_users / nullif(cohort_users, 0) as retention_rate,
        (select max(landing) from active_weeks) as landing
    from filled
    cross join landed

)

select * from rated
