-- Grain: one grain (hour, day, month), period, skill, stage, locale, capability and directive, of which the last
-- three may be `all`. Defines every metric of actions: directives that a user gave, and utterances as
-- Amazon reports them.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        * exclude (user_id),
        {{ user_number('user_id') }} as user_number,
        sent_at as event_at
    from {{ read(ref('int_alexa__operations')) }}
    where operation = 'capability_directive'

),

-- An action is named as the directive's namespace and name, with a dot between.
reported as (

    select
        *,
        coalesce(nullif(regexp_extract(group_value, '^(.*)\.', 1), ''), 'none') as capability,
        regexp_extract(group_value, '[^.]*$') as directive
    from {{ read(ref('int_alexa__reported_values_by_period')) }}
    where measure = 'action_utterances'

),

-- The actions of a skill whose messages aren't logged are unknown, not 0.
logged as (

    select
        skill_id,
        stage,
        bool_and(is_changed) as is_new
    from {{ read(ref('int_alexa__operations')) }}
    group by skill_id, stage

),

changed as (

    select distinct skill_id, stage, event_at
    from (
        select skill_id, stage, event_at, is_changed from records
        union all
        select skill_id, stage, starts_at, is_changed from reported
    )
    left join logged using (skill_id, stage)
    where is_changed or is_new

),

{{ changed_periods(['skill_id', 'stage'], 'changed') }},

counted as (

    -- Each grain by itself, of what changed in it: grouping sets would count the users of a month three times.
    {% for grain in ['hour', 'day', 'month'] -%}
    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        case when grouping(capability) = 0 then capability else 'all' end as capability,
        case when grouping(directive) = 0 then directive else 'all' end as directive,
        '{{ grain }}' as grain,
        {{ grain }}_start as period_start,
        count(event_at) as actions,
        count(distinct user_number) as unique_users
    from bucketed
    where {{ grain }}_start is not null
    group by
        skill_id, stage, {{ grain }}_start,
        grouping sets ((), (locale)),
        grouping sets ((), (capability), (capability, directive))
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

utterances as (

    select
        skill_id,
        stage,
        locale,
        case when grouping(capability) = 0 then capability else 'all' end as capability,
        case when grouping(directive) = 0 then directive else 'all' end as directive,
        grain,
        period_start,
        case when not bool_or(reported_value is null) then try_cast(sum(reported_value) as bigint) end as utterances
    from reported
    semi join counted using (skill_id, stage, grain, period_start)
    group by
        skill_id, stage, locale, grain, period_start,
        grouping sets ((), (capability), (capability, directive))

),

joined as (

    select
        * exclude (is_new)
        replace (
            case when is_new is not null then coalesce(actions, 0) end as actions,
            case when is_new is not null then coalesce(unique_users, 0) end as unique_users
        ),
        coalesce(counted.actions, 0) = 0 and utterances is null as is_empty,
        {{ load_id() }} as load_id
    from counted
    full join utterances using (skill_id, stage, locale, capability, directive, grain, period_start)
    left join logged using (skill_id, stage)
    where locale is not null and capability is not null

)

select * from joined
