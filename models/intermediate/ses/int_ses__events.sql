-- Grain: one landed version of an SES event; `is_current` marks the version that counts.
-- Content decides, never the order of arrival.
with

custom_dimensions as (

    select list(struct_pack(dimension, value_source, default_value) order by dimension) as dimensions
    from {{ own_seed('ses_cloudwatch_dimensions') }}

),

current_versions as (

    -- a feedback notification is a copy that has no tags
    {{ current_versions(ref('stg_ses__events'), ['is_published desc', 'event_at desc'], 'event_key') }}

),

with_custom_dimensions as (

    select
        * exclude (is_published, tags, headers, link_tags, link, recipients, is_to_several),
        md5_number(message_id) as message_key,
        md5_number(link) as link_key,
        -- numbers, as no later model needs the addresses
        case
            when is_to_several and recipient_count is not null
                then list_transform(
                    recipients,
                    lambda r: struct_pack(
                        recipient_key := md5_number(lower(trim(coalesce(r, 'none')))),
                        recipient_domain := coalesce({{ mail_domain('r') }}, 'none')
                    )
                )
        end as recipients,
        case
            when
                is_to_several
                and len(list_distinct(
                    list_transform(recipients, lambda r: coalesce({{ mail_domain('r') }}, 'none'))
                )) > 1
                then 'several'
            else coalesce({{ mail_domain('recipients[1]') }}, 'none')
        end as recipient_domain,
        -- of a message to several SES doesn't state who clicked
        case
            when event = 'click'
                then substr(
                    md5(coalesce(case when not is_to_several then lower(trim(recipients[1])) end, message_id)), 1, 1
                )
        end as recipient_part,
        case when event = 'click' then {{ link_of_campaign('link') }} end as link,
        -- As an event destination of CloudWatch would: the first of several values, or the default.
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
    from current_versions
    cross join custom_dimensions

)

select * exclude (dimensions) from with_custom_dimensions
