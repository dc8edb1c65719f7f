-- Grain: one grain (hour, day, month), period of the sessions' starts, skill, stage, locale, which may be `all`,
-- step after LaunchRequest, and the nodes it goes from and to: an intent, or how the session ended.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        * exclude (locale, user_id),
        {{ user_number('user_id') }} as user_number,
        session_locale as locale,
        session_started_at as event_at
    from {{ read(ref('int_alexa__sessionized_requests')) }}
    where step is not null

),

{{ changed_periods(['skill_id', 'stage']) }},

counted as (

    -- Each grain by itself: the users of all of them at once don't fit into memory.
    {% for grain in ['hour', 'day', 'month'] -%}
    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        step,
        from_node,
        case when grouping(to_node) = 0 then to_node else 'all' end as to_node,
        '{{ grain }}' as grain,
        {{ grain }}_start as period_start,
        count(event_at) as record_count,
        count(distinct user_number) as users
    from bucketed
    where {{ grain }}_start is not null
    group by
        skill_id, stage, step, from_node, {{ grain }}_start,
        grouping sets ((), (locale)),
        grouping sets ((), (to_node))
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

with_users_at_node as (

    select
        *,
        -- distinct users over all next nodes
        max(users) over node as users_at_node
    from counted
    where locale is not null and to_node is not null
    window node as (partition by skill_id, stage, locale, step, from_node, grain, period_start)

),

with_rates as (

    select
        *,
        users / nullif(users_at_node, 0) as user_share,
        record_count = 0 as is_empty,
        {{ load_id() }} as load_id
    from with_users_at_node

)

select * from with_rates
