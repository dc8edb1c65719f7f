-- Grain: one landed version of an SES event; `is_current` marks the version that counts.
-- A version that no longer counts stays, so that the periods it once counted in are found and counted again.
{{ config(unique_key='version_id') }}

with

-- Not materialized, as a year would be written out for the sake of the day that is read.
events as not materialized (

    select * from {{ ref('stg_ses__events') }} where landing <= {{ last_landing() }}

),

custom_dimensions as (

    select list(struct_pack(dimension, value_source, default_value) order by dimension) as dimensions
    from {{ ref('ses_cloudwatch_dimensions') }}

),

arrived as not materialized (

    select * from events where landing > {{ processed_landing() }}

),

contested as (

    select distinct event_key from arrived where is_repeat

),

-- An event's key names no date. Its dates are looked up by two columns, so that all others are read of these days only.
contested_days as (

    select distinct
        event_date,
        event_key
    from events
    semi join contested using (event_key)

),

settled as (

    select
        arrived.*,
        true as is_current
    from arrived
    anti join contested using (event_key)

),

contenders as materialized (

    select * from events semi join contested_days using (event_date, event_key)

),

resolved as (

    -- What a version says decides, never when it arrived. A feedback notification is a copy that has no tags.
    select
        * replace ((select max(landing) from contenders) as landing),
        row_number() over (
            partition by event_key
            order by
                is_published desc,
                event_at desc,
                -- versions that are equal in all of these are equal in every number
                account_id, configuration_set, message_id, bounce_type, bounce_subtype, complaint_subtype,
                feedback_type, recipient_count, is_simulated, caller_identity, from_domain, source_ip,
                source_tls_version, outgoing_ip, outgoing_tls_version, operation, feedback_id_a, feedback_id_b,
                cast(tags as varchar), cast(headers as varchar), cast(link_tags as varchar)
        ) = 1 as is_current
    from contenders

),

versioned as (

    select * from settled
    union all by name
    select * from resolved

),

dimensioned as (

    select
        * exclude (event_date, is_published, tags, headers, link_tags, file, is_repeat),
        -- What an event destination of CloudWatch would make of it: the first of several values, or the default.
        list_transform(
            custom_dimensions.dimensions,
            lambda d: struct_pack(
                dimension := d.dimension,
                dimension_value := coalesce(
                    nullif(case d.value_source
                        when 'messageTag' then tags[d.dimension][1]
                        when 'linkTag' then link_tags[d.dimension][1]
                        when 'emailHeader'
                            then list_filter(headers, lambda h: lower(h.name) = lower(d.dimension))[1]."value"
                    end, ''),
                    d.default_value
                )
            )
        ) as custom_dimensions
    from versioned
    cross join custom_dimensions

)

select * exclude (dimensions) from dimensioned
