-- Grain: one grain (hour, day, month), period, skill, stage, locale, which may be `all`, and intent.
-- Defines every metric of intents.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        * exclude (user_id),
        {{ user_number('user_id') }} as user_number,
        received_at as event_at,
        case when is_failed then 1 end as failure
    from {{ read(ref('int_alexa__sessionized_requests')) }}
    where request_type = 'IntentRequest'

),

{{ changed_periods(['skill_id', 'stage']) }},

counted as (

    -- Each grain by itself, of what changed in it: grouping sets would count the users of a month three times.
    {% for grain in ['hour', 'day', 'month'] -%}
    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        intent_name as intent,
        '{{ grain }}' as grain,
        {{ grain }}_start as period_start,
        count(event_at) as utterances,
        count(distinct user_number) as unique_users,
        count(failure) as failed_intents
    from bucketed
    where {{ grain }}_start is not null
    group by
        skill_id, stage, intent_name, {{ grain }}_start,
        grouping sets ((), (locale))
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    *,
    utterances = 0 as is_empty,
    {{ load_id() }} as load_id
from counted
where locale is not null
