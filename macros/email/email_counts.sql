{# The body of a vendor's model of counts: of its events in the words of all vendors, and of what became of its messages. #}
{% macro email_counts(vendor, events, facts) -%}
{{- config(tags='published', unique_key=['account', 'sender', 'grain', 'period_start']) -}}
with

-- Not materialized, as each reader needs a few of the columns and all would be written out for it.
events as not materialized {{ read(events) }},

facts as not materialized {{ read(facts) }},

changed as (

    -- by the minute, at which periods of any zone begin: of few rows
    select distinct account, sender, date_trunc('minute', event_at) as event_at from events where is_changed
    union
    select account, sender, date_trunc('minute', event_at) from facts where is_changed

),

records as not materialized (

    select
        account,
        sender,
        event_at,
        event,
        is_current
    from events
    where event in ('accepted', 'delivered')
    union all by name
    select
        account,
        sender,
        event_at,
        event,
        is_first,
        is_first_human,
        is_machine,
        is_delivered,
        machine_rule,
        is_current
    from facts

),

{{ changed_periods(['account', 'sender'], 'changed', month_of_days=true) }},

flags as (

    -- 1, or NULL, which count() passes over
    select
        account,
        sender,
        hour_start,
        day_start,
        month_start,
        'all' as everything,
        machine_rule,
        case when event is not null then 1 end as record_count,
        case when event = 'accepted' then 1 end as accepted_count,
        case
            when event = 'delivered' then 1
            -- what bounces after it was delivered has been counted
            when event in ('hard_bounce', 'soft_bounce', 'block') and is_first and not is_delivered then 1
        end as sent_count,
        case when event = 'delivered' then 1 end as delivered_count,
        case when event in ('hard_bounce', 'soft_bounce') and is_first then 1 end as bounced_count,
        case when event = 'hard_bounce' and is_first then 1 end as hard_bounced_count,
        case when event = 'soft_bounce' and is_first then 1 end as soft_bounced_count,
        case when event = 'block' and is_first then 1 end as blocked_count,
        case when event = 'suppression' and is_first then 1 end as suppressed_count,
        case when event = 'deferral' and is_first then 1 end as deferred_count,
        case when event = 'complaint' and is_first then 1 end as complained_count,
        case when event = 'unsubscription' and is_first then 1 end as unsubscribed_count,
        {% for action in ('open', 'click') -%}
        case when event = '{{ action }}' then 1 end as {{ action }}_count,
        case when event = '{{ action }}' and is_first then 1 end as unique_{{ action }}_count,
        case when event = '{{ action }}' and not is_machine then 1 end as human_{{ action }}_count,
        case when event = '{{ action }}' and is_first_human then 1 end as human_unique_{{ action }}_count,
        case when event = '{{ action }}' and is_machine then 1 end as machine_{{ action }}_count{{ ',' if not loop.last }}
        {% endfor %}
    from bucketed

),

parts as (

    -- Hours and days are sums of these, and months of days.
    select
        account,
        sender,
        hour_start,
        day_start,
        month_start,
        coalesce(everything, machine_rule) as machine_rule,
        count(columns('_count$'))
    from flags
    group by account, sender, hour_start, day_start, month_start, grouping sets ((everything), (machine_rule))

),

by_rule as (

    select * from parts where machine_rule is not null
    {% if is_incremental() %}
    union all by name
    select * exclude (vendor) from ({{ unchanged_days(['account', 'sender']) }})
    {% endif %}

),

counted as (

    select
        account,
        sender,
        {{ grain_columns() }},
        machine_rule,
        cast(sum(columns('_count$')) as bigint)
    from by_rule
    group by account, sender, machine_rule, grouping sets ((hour_start), (day_start), (month_start))

)

select
    '{{ vendor }}' as vendor,
    *,
    {{ load_id() }} as load_id
from counted
where period_start is not null
{%- endmacro %}
