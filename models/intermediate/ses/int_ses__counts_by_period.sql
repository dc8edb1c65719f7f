-- Grain: one grain (hour, day, month), period, account, configuration set, dimension and its value.
-- Counts the flags of events, and opened and clicked messages; takes the last reputation rates of the period.
{{ config(
    tags='published', unique_key=['account_id', 'configuration_set', 'grain', 'period_start']
) }}

with

-- Not materialized, as each reader needs a few of the columns and all would be written out for it.
records as not materialized (

    select * from {{ read(ref('int_ses__event_flags')) }}
    union all by name
    select
        *,
        1 as record_count
    from {{ read(ref('int_ses__reputation')) }}

),

engagements as not materialized {{ read(ref('int_ses__engagements')) }},

changed as (

    -- by the minute, at which periods of any zone begin: of few rows
    select distinct account_id, configuration_set, date_trunc('minute', event_at) as event_at from records where is_changed
    union
    select account_id, configuration_set, date_trunc('minute', event_at) from engagements where is_changed

),

{{ changed_periods(['account_id', 'configuration_set'], 'changed', month_of_days=true) }},

with_engagements as (

    select
        bucketed.*,
        'all' as everything,
        engagements.is_mixed,
        case when engagements.is_first_of_hour then bucketed.open_count end as opened_of_hour,
        case when engagements.is_first_of_day then bucketed.open_count end as opened_of_day,
        case when engagements.is_first_of_month then bucketed.open_count end as opened_of_month,
        case when bucketed.open_count = 1 then md5_number(bucketed.message_id) end as opened_ids,
        case when engagements.is_first_of_hour then bucketed.click_count end as clicked_of_hour,
        case when engagements.is_first_of_day then bucketed.click_count end as clicked_of_day,
        case when engagements.is_first_of_month then bucketed.click_count end as clicked_of_month,
        case when bucketed.click_count = 1 then md5_number(bucketed.message_id) end as clicked_ids
    from bucketed
    left join engagements using (event_key)

),

parts as (

    -- Hours and days are made of these, and months of days.
    select
        account_id,
        configuration_set,
        hour_start,
        day_start,
        month_start,
        any_value(event_at) as event_at,
        case
            when grouping(everything) = 0 then 'all'
            when grouping(configuration_set_tag) = 0 then 'ses:configuration-set'
            when grouping(caller_identity) = 0 then 'ses:caller-identity'
            when grouping(from_domain) = 0 then 'ses:from-domain'
            when grouping(source_ip) = 0 then 'ses:source-ip'
            when grouping(source_tls_version) = 0 then 'ses:source-tls-version'
            when grouping(outgoing_ip) = 0 then 'ses:outgoing-ip'
            when grouping(outgoing_tls_version) = 0 then 'ses:outgoing-tls-version'
            when grouping(operation) = 0 then 'ses:operation'
            when grouping(feedback_id_a) = 0 then 'ses:feedback-id-a'
            else 'ses:feedback-id-b'
        end as dimension,
        coalesce(
            everything, configuration_set_tag, caller_identity, from_domain, source_ip, source_tls_version, outgoing_ip,
            outgoing_tls_version, operation, feedback_id_a, feedback_id_b
        ) as dimension_value,
        custom_dimensions,
        count(columns('_count$|_of_hour$|_of_day$|_of_month$')),
        cast(coalesce(sum(columns('(.*)_recipients$')), 0) as bigint) as '\1_recipient_count',
        list(columns('_ids$')) filter (where is_mixed),
        arg_max(reputation_bounce, event_at) as reputation_bounce_rate,
        arg_max(reputation_complaint, event_at) as reputation_complaint_rate
    from with_engagements
    group by
        account_id, configuration_set, hour_start, day_start, month_start, date_trunc('hour', event_at),
        grouping sets (
            (everything), (configuration_set_tag), (caller_identity), (from_domain), (source_ip), (source_tls_version),
            (outgoing_ip), (outgoing_tls_version), (operation), (feedback_id_a), (feedback_id_b), (custom_dimensions)
        )

),

-- How many custom dimensions there are is up to the seed: events are counted by all of their values together, of which
-- there are few, and then under each.
by_dimension as (

    select * exclude (custom_dimensions) from parts
    union all by name
    select
        * exclude (custom_dimensions, dimension, dimension_value),
        unnest(custom_dimensions, recursive := true)
    from parts
    {% if is_incremental() %}
    union all by name
    select * exclude (opened_message_count, clicked_message_count)
    from ({{ unchanged_days(['account_id', 'configuration_set']) }})
    {% endif %}

),

counted as (

    select
        account_id,
        configuration_set,
        {{ grain_columns() }},
        dimension,
        dimension_value,
        cast(sum(columns('_count$|_of_hour$|_of_day$|_of_month$')) as bigint),
        list_distinct(flatten(list(columns('_ids$')))),
        arg_max(columns('^reputation'), event_at)
    from by_dimension
    where dimension_value is not null
    group by
        account_id, configuration_set, dimension, dimension_value,
        grouping sets ((hour_start), (day_start), (month_start))

)

-- What a month needs of its days stays: how many of their messages are the month's first, and which are mixed.
select
    * exclude (opened_of_hour, opened_of_day, clicked_of_hour, clicked_of_day),
    len(opened_ids)
    + case grain when 'hour' then opened_of_hour when 'day' then opened_of_day else opened_of_month end
        as opened_message_count,
    len(clicked_ids)
    + case grain when 'hour' then clicked_of_hour when 'day' then clicked_of_day else clicked_of_month end
        as clicked_message_count,
    {{ load_id() }} as load_id
from counted
where period_start is not null
