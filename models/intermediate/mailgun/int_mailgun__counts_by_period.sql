-- Grain: one grain (hour, day, month), period, subaccount, domain, dimension and its value.
-- Counts the flags of events, and unique opens and clicks.
{{ config(
    tags='published', unique_key=['subaccount', 'domain', 'grain', 'period_start']
) }}

with

-- Not materialized, as each reader needs a few of the columns and all would be written out for it.
records as not materialized {{ read(ref('int_mailgun__event_flags')) }},

engagements as not materialized {{ read(ref('int_mailgun__engagements')) }},

changed as (

    -- by the minute, at which periods of any zone begin: of few rows
    select distinct subaccount, domain, date_trunc('minute', event_at) as event_at from records where is_changed
    union
    select subaccount, domain, date_trunc('minute', event_at) from engagements where is_changed

),

{{ changed_periods(['subaccount', 'domain'], 'changed', month_of_days=true) }},

with_engagements as (

    select
        bucketed.*,
        'all' as everything,
        case when engagements.is_unique then bucketed.opened_count end as unique_opened_count,
        case
            when engagements.is_unique and bucketed.bot = 'none' then bucketed.opened_count
        end as human_unique_opened_count,
        case when engagements.is_unique then bucketed.clicked_count end as unique_clicked_count,
        case
            when engagements.is_unique and bucketed.bot = 'none' then bucketed.clicked_count
        end as human_unique_clicked_count
    from bucketed
    left join engagements using (event_key)

),

parts as (

    -- Hours and days are sums of these, and months of days.
    select
        subaccount,
        domain,
        hour_start,
        day_start,
        month_start,
        case
            when grouping(everything) = 0 then 'all'
            when grouping(ip) = 0 then 'ip'
            when grouping(ip_pool) = 0 then 'ip_pool'
            when grouping(recipient_domain) = 0 then 'recipient_domain'
            when grouping(recipient_provider) = 0 then 'recipient_provider'
            when grouping(country) = 0 then 'country'
            when grouping(device) = 0 then 'device'
            when grouping(bot) = 0 then 'bot'
            else 'tag'
        end as dimension,
        coalesce(
            everything, ip, ip_pool, recipient_domain, recipient_provider, country, device, bot
        ) as dimension_value,
        tags,
        count(columns('_count$'))
    from with_engagements
    group by
        subaccount, domain, hour_start, day_start, month_start,
        grouping sets (
            (everything), (ip), (ip_pool), (recipient_domain), (recipient_provider), (country), (device), (bot), (tags)
        )

),

-- Events are counted by all of their tags together, of which there are few, and then under each: an event has several.
by_dimension as (

    select * exclude (tags) from parts
    union all by name
    select
        * exclude (tags, dimension_value),
        unnest(tags) as dimension_value
    from parts
    {% if is_incremental() %}
    union all by name
    {{ unchanged_days(['subaccount', 'domain']) }}
    {% endif %}

),

counted as (

    select
        subaccount,
        domain,
        {{ grain_columns() }},
        dimension,
        dimension_value,
        cast(sum(columns('_count$')) as bigint)
    from by_dimension
    where dimension_value is not null
    group by
        subaccount, domain, dimension, dimension_value,
        grouping sets ((hour_start), (day_start), (month_start))

)

select
    *,
    {{ load_id() }} as load_id
from counted
where period_start is not null
