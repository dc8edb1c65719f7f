-- Grain: one cohort, those users of a skill and locale whose first request was in one week, and one week after it,
-- 0 to 12.
{{ config(tags='published', unique_key=['skill_id', 'locale', 'cohort_week']) }}

with

active_weeks as not materialized {{ read(ref('int_alexa__active_weeks')) }},

newest_records as (

    -- by all versions of a request: a week that is over stays over
    select
        skill_id,
        {{ reporting_date('max(received_at)') }} as newest_date
    from {{ ref('int_alexa__requests') }}
    group by skill_id

),

changed as (

    select distinct skill_id, locale, cohort_week
    from active_weeks
    where is_changed
    {% if is_incremental() %}

    union

    -- a week may have ended since then
    select distinct skill_id, locale, cohort_week from {{ this }} where returning_users is null
    {% endif %}

),

-- Every cohort has all of its weeks. One whose users have all moved to another is recounted as zero.
cohort_weeks as (

    select
        *,
        unnest(range(13)) as week_number
    from changed

),

counted as (

    select
        cohort_weeks.skill_id,
        cohort_weeks.locale,
        cohort_weeks.cohort_week,
        cohort_weeks.week_number,
        count(active_weeks.user_id) as users
    from cohort_weeks
    left join active_weeks
        on
            cohort_weeks.skill_id = active_weeks.skill_id
            and cohort_weeks.locale = active_weeks.locale
            and cohort_weeks.cohort_week = active_weeks.cohort_week
            and cohort_weeks.cohort_week + cast(7 * cohort_weeks.week_number as integer) = active_weeks.active_week
            and active_weeks.is_current
    group by all

),

with_cohort_users as (

    select
        *,
        -- all of them are in the first week
        max(users) over (partition by skill_id, locale, cohort_week) as cohort_users
    from counted

),

with_rates as (

    select
        skill_id,
        locale,
        cohort_week,
        week_number,
        cohort_users,
        -- a week that isn't over has no number yet
        case
            when cohort_week + cast(7 * (week_number + 1) as integer) <= newest_date then users
        end as returning_users,
        returning_users / nullif(cohort_users, 0) as retention_rate,
        {{ load_id() }} as load_id
    from with_cohort_users
    left join newest_records using (skill_id)

)

select * from with_rates
