{# The body of a vendor's model of counts: of its events in the words of all vendors, and of what became of its messages. #}
{% macro email_counts(vendor, events, facts) -%}
{{- config(tags='published', unique_key=['account', 'sender', 'grain', 'period_start']) -}}
with

-- Not materialized, as each reader needs a few of the columns and all would be written out for it.
events as not materialized {{ read(events) }},

facts as not materialized {{ read(facts) }},

common_domains as (

    select
        recipient_domain,
        first_at as common_since,
        is_changed
    from {{ read(ref('int_email__' ~ vendor ~ '_recipients')) }}
    where place = {{ var('email_domain_recipients') }}

),

records as not materialized (

    select
        account,
        sender,
        recipient_domain,
        provider_word,
        dimensions,
        event_at,
        event,
        is_current
    from events
    where event in ('accepted', 'delivered')
    union all by name
    select
        account,
        sender,
        recipient_domain,
        provider_word,
        dimensions,
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

changed as (

    -- by the minute, at which periods of any zone begin: of few rows
    select distinct account, sender, date_trunc('minute', event_at) as event_at from events where is_changed
    union
    select account, sender, date_trunc('minute', event_at) from facts where is_changed
    {% if is_incremental() %}
    union
    -- what went to a domain since it is common counts under its name, also where it had landed before
    select records.account, records.sender, date_trunc('minute', records.event_at)
    from records
    inner join common_domains using (recipient_domain)
    where
        common_domains.is_changed
        and records.event_at >= common_domains.common_since
        and records.event_at >= (select min(common_since) from common_domains where is_changed)
    {% endif %}

),

{{ changed_periods(['account', 'sender'], 'changed', month_of_days=true) }},

with_providers as (

    {{ with_provider('bucketed') }}

),

with_domains as (

    select
        with_providers.*,
        case
            when
                with_providers.is_provider_domain
                or with_providers.event_at >= common_domains.common_since
                or with_providers.recipient_domain in ('none', 'several')
                then with_providers.recipient_domain
            else 'other'
        end as domain
    from with_providers
    left join common_domains using (recipient_domain)

),

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
        provider,
        domain,
        dimensions,
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
    from with_domains

),

parts as (

    -- Hours and days are sums of these, and months of days.
    select
        account,
        sender,
        hour_start,
        day_start,
        month_start,
        everything,
        machine_rule,
        provider,
        domain,
        dimensions,
        count(columns('_count$'))
    from flags
    group by
        account, sender, hour_start, day_start, month_start,
        grouping sets ((everything), (machine_rule), (provider, domain), (dimensions))

),

-- Events are counted by all of their dimensions together, of which there are few, and then under each.
by_slice as (

    select
        * exclude (everything, dimensions)
        replace (
            coalesce(machine_rule, 'all') as machine_rule,
            coalesce(provider, 'all') as provider,
            case when provider is null then 'all' else domain end as domain
        ),
        'all' as dimension,
        'all' as dimension_value
    from parts
    where coalesce(everything, machine_rule, provider) is not null
    union all by name
    select
        * exclude (everything, dimensions)
        replace ('all' as machine_rule, 'all' as provider, 'all' as domain),
        unnest(dimensions, recursive := true)
    from parts
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
        provider,
        domain,
        dimension,
        dimension_value,
        cast(sum(columns('_count$')) as bigint)
    from by_slice
    group by
        account, sender, machine_rule, provider, domain, dimension, dimension_value,
        grouping sets ((hour_start), (day_start), (month_start))

)

select
    '{{ vendor }}' as vendor,
    *,
    {{ load_id() }} as load_id
from counted
where period_start is not null
{%- endmacro %}
