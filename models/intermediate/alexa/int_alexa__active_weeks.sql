-- Grain: one user of a live skill, in one locale or in all, and one week with a request of theirs. `is_current` is
-- false where the user now has another cohort or other weeks.
{{ config(unique_key=['skill_id', 'locale', 'user_id', 'cohort_week', 'active_week']) }}

with

requests as not materialized {{ read(ref('int_alexa__sessionized_requests')) }},

changed as (

    select distinct skill_id, user_id
    from requests
    where is_changed

),

active as (

    select
        skill_id,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        user_id,
        active_week
    from (
        select
            *,
            cast(date_trunc('week', {{ reporting_date('received_at') }}) as date) as active_week
        from requests
        semi join changed using (skill_id, user_id)
        where is_current and stage = 'live' and user_id <> 'none' and request_type <> 'CanFulfillIntentRequest'
    )
    group by skill_id, user_id, active_week, grouping sets ((), (locale))

),

facts as (

    select
        *,
        -- the week of the user's first request
        min(active_week) over (partition by skill_id, locale, user_id) as cohort_week
    from active

)

{{ changed_facts(
    ['skill_id', 'locale', 'user_id', 'cohort_week', 'active_week'], ['skill_id', 'user_id']
) }}
