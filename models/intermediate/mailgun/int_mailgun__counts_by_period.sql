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

{{ changed_periods(['subaccount', 'domain'], 'changed') }},

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

counted as (

    select
        subaccount,
        domain,
        {{ grain_columns() }},
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
        subaccount, domain,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets (
            (everything), (ip), (ip_pool), (recipient_domain), (recipient_provider), (country), (device), (bot), (tags)
        )

),

-- Events are counted by all of their tags together, of which there are few, and then under each: an event has several.
by_dimension as (

    select * exclude (tags) from counted
    union all by name
    select
        subaccount,
        domain,
        grain,
        period_start,
        dimension,
        tag as dimension_value,
        cast(sum(columns('_count$')) as bigint)
    from (
        select
            * exclude (dimension_value),
            unnest(tags) as tag
        from counted
    )
    group by subaccount, domain, grain, period_start, dimension, tag

)

select
    *,
    {{ load_id() }} as load_id
from by_dimension
where period_start is not null and dimension_value is not null
