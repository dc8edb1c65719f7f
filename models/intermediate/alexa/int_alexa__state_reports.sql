-- Grain: one StateReport, with whether its properties are what the skill last reported by itself. `is_current` is false
-- where another version of the report counts.
{{ config(unique_key='version_id') }}

with

properties as not materialized (

    select
        *,
        row(skill_id, stage, user_id, endpoint_id) as endpoint
    from {{ read(ref('int_alexa__properties')) }}

),

-- A report changes the comparison of later reports of its endpoint.
changed_endpoints as (

    select
        endpoint,
        min(reported_at) as since
    from properties
    where is_changed
    group by endpoint

),

changed as (

    select distinct version_id
    from properties
    inner join changed_endpoints using (endpoint)
    where report = 'StateReport' and reported_at >= since

),

states as (

    select * from properties semi join changed using (version_id) where is_current

),

changes as (

    -- of several reports at one instant the largest value counts
    select
        endpoint,
        property_id,
        reported_at,
        max(reported_value) as reported_value
    from properties
    semi join changed_endpoints using (endpoint)
    where report = 'ChangeReport' and is_current
    group by endpoint, property_id, reported_at

),

compared as (

    select
        states.*,
        changes.reported_value as earlier_value
    from states
    asof left join changes
        on
            states.endpoint = changes.endpoint
            and states.property_id = changes.property_id
            and states.reported_at > changes.reported_at

),

facts as (

    select
        version_id,
        skill_id,
        stage,
        locale,
        reported_at,
        count(earlier_value) > 0 as is_comparable,
        coalesce(bool_and(reported_value = earlier_value), false) as is_accurate
    from compared
    group by version_id, skill_id, stage, locale, reported_at

)

{{ changed_facts(['version_id'], ['version_id']) }}
