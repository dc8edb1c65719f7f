-- Grain: one grain (hour, day, month), period, account, configuration set, dimension and its value.
-- Every metric of the vendor's page "SES Metrics and Dimensions" is defined here and nowhere else:
-- what one event counts for in `flagged`, its sums in `counted`, rates in `rated`.
{{ config(
    database='touchstone', unique_key=['account_id', 'configuration_set', 'grain', 'period_start']
) }}

with

-- Not materialized, as each reader needs a few of the columns and all would be written out for it.
events as not materialized (

    select * from {{ read(ref('int_ses__events')) }}

),

-- Amazon divides by a volume it doesn't publish, so that these rates can be landed only. They are an account's, without
-- dimensions, or a configuration set's.
-- Where an account sends from several regions, the highest of an instant.
reputation as not materialized (

    select
        account_id,
        coalesce(json_extract_string(dimensions, '$."ses:configuration-set"'), 'none') as configuration_set,
        period_at as event_at,
        'reputation' as event,
        max(maximum) filter (where metric_name = 'Reputation.BounceRate') as reputation_bounce,
        max(maximum) filter (where metric_name = 'Reputation.ComplaintRate') as reputation_complaint,
        is_current,
        bool_or(is_changed) as is_changed
    from {{ read(ref('int_ses__datapoints')) }}
    where
        namespace = 'AWS/SES'
        and metric_name in ('Reputation.BounceRate', 'Reputation.ComplaintRate')
        and dimension_set in ('', 'ses:configuration-set')
    group by account_id, configuration_set, period_at, is_current

),

records as not materialized (

    select * from events
    union all by name
    select * from reputation

),

{{ changed_periods(['account_id', 'configuration_set']) }},

profiled as not materialized (

    select
        *,
        row(
            caller_identity, from_domain, source_ip, source_tls_version, outgoing_ip, outgoing_tls_version, operation,
            feedback_id_a, feedback_id_b, custom_dimensions
        ) as profile
    from bucketed

),

-- A message is counted with its first open or click of a period: far cheaper than to count distinct ids in each slice.
-- That holds for messages whose opens are all in the same slices; of the others, `is_mixed`, the ids are kept.
traced as (

    select
        * exclude (profile),
        lag(event_at) over (
            partition by account_id, configuration_set, event, message_id, profile order by event_at
        ) as previous_at,
        min(profile) over message <> max(profile) over message as is_mixed
    from profiled
    where event in ('open', 'click') and message_id is not null
    window message as (partition by account_id, configuration_set, event, message_id)

    union all by name
    select * exclude (profile) from profiled
    where event not in ('open', 'click') or message_id is null

),

-- What an event counts for: 1, or NULL, which count() passes over (three times as fast as filters here).
flagged as (

    select
        account_id,
        configuration_set,
        hour_start,
        day_start,
        month_start,
        event_at,
        reputation_bounce,
        reputation_complaint,
        'all' as everything,
        -- a reputation rate has none of the dimensions
        case when event <> 'reputation' then configuration_set end as configuration_set_tag,
        caller_identity,
        from_domain,
        source_ip,
        source_tls_version,
        outgoing_ip,
        outgoing_tls_version,
        operation,
        feedback_id_a,
        feedback_id_b,
        custom_dimensions,
        is_mixed,
        case when event is not null then 1 end as record_count,
        case when event = 'send' then 1 end as send_count,
        case when event = 'reject' then 1 end as reject_count,
        case when event = 'bounce' and bounce_type = 'permanent' then 1 end as bounce_count,
        case when event = 'complaint' then 1 end as complaint_count,
        case when event = 'delivery' then 1 end as delivery_count,
        case when event = 'open' then 1 end as open_count,
        case when event = 'click' then 1 end as click_count,
        case when event = 'rendering_failure' then 1 end as rendering_failure_count,
        case when event = 'bounce' and bounce_type = 'transient' then 1 end as soft_bounce_count,
        case
            when event = 'bounce' and bounce_type is distinct from 'permanent' and bounce_type is distinct from 'transient'
                then 1
        end as undetermined_bounce_count,
        case
            when event = 'bounce' and bounce_type = 'permanent'
                and (bounce_subtype = 'suppressed' or is_kept_back)
                then 1
        end as suppressed_bounce_count,
        case when event = 'delivery_delay' then 1 end as delivery_delay_count,
        case when event = 'subscription' then 1 end as subscription_count,
        case when event = 'send' then recipient_count end as send_recipients,
        case when event = 'delivery' then recipient_count end as delivery_recipients,
        case when event = 'bounce' and bounce_type = 'permanent' then recipient_count end as bounce_recipients,
        case when event = 'complaint' then recipient_count end as complaint_recipients,
        case when is_first_of_hour and event = 'open' then 1 end as opened_of_hour,
        case when is_first_of_day and event = 'open' then 1 end as opened_of_day,
        case when is_first_of_month and event = 'open' then 1 end as opened_of_month,
        case when event = 'open' then message_id end as opened_ids,
        case when is_first_of_hour and event = 'click' then 1 end as clicked_of_hour,
        case when is_first_of_day and event = 'click' then 1 end as clicked_of_day,
        case when is_first_of_month and event = 'click' then 1 end as clicked_of_month,
        case when event = 'click' then message_id end as clicked_ids,
        -- the parts of the two rates of our own
        case when event = 'send' and not is_simulated then 1 end as rated_send_count,
        case when event = 'delivery' and not is_simulated then 1 end as rated_delivery_count,
        case
            when event = 'bounce' and bounce_type = 'permanent' and not is_kept_back and not is_simulated then 1
        end as rated_bounce_count,
        case
            when event = 'complaint' and not is_simulated
                and feedback_type is distinct from 'not-spam'
                and complaint_subtype is distinct from 'onaccountsuppressionlist'
                then 1
        end as rated_complaint_count
    from (
        select
            *,
            -- never sent on, by a list of the sender's own: Amazon leaves these out of the bounce rate
            coalesce(
                bounce_subtype in ('onaccountsuppressionlist', 'ontenantsuppressionlist', 'emailvalidationsuppressed'),
                false
            ) as is_kept_back,
            not is_mixed and hour_start is distinct from date_trunc('hour', previous_at) as is_first_of_hour,
            not is_mixed and day_start is distinct from {{ reporting_date('previous_at') }} as is_first_of_day,
            not is_mixed
            and month_start is distinct from cast(date_trunc('month', {{ reporting_date('previous_at') }}) as date)
                as is_first_of_month
        from traced
    )

),

counted as (

    select
        account_id,
        configuration_set,
        case grouping(hour_start, day_start) when 1 then 'hour' when 2 then 'day' else 'month' end as grain,
        coalesce(hour_start, day_start, month_start) as period_start,
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
        coalesce(sum(send_recipients), 0) as send_recipients,
        coalesce(sum(delivery_recipients), 0) as delivery_recipients,
        coalesce(sum(bounce_recipients), 0) as bounce_recipients,
        coalesce(sum(complaint_recipients), 0) as complaint_recipients,
        list(columns('_ids$')) filter (where is_mixed),
        arg_max(reputation_bounce, event_at) as reputation_bounce_rate,
        arg_max(reputation_complaint, event_at) as reputation_complaint_rate
    from flagged
    group by
        account_id, configuration_set,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets (
            (everything), (configuration_set_tag), (caller_identity), (from_domain), (source_ip), (source_tls_version),
            (outgoing_ip), (outgoing_tls_version), (operation), (feedback_id_a), (feedback_id_b), (custom_dimensions)
        )

),

-- How many custom dimensions there are is up to the seed: events are counted by all of their values together, of which
-- there are few, and then under each.
sliced as (

    select * exclude (custom_dimensions) from counted
    union all by name
    select
        account_id,
        configuration_set,
        grain,
        period_start,
        dimension,
        dimension_value,
        cast(sum(columns('_count$|_recipients$|_of_hour$|_of_day$|_of_month$')) as bigint),
        flatten(list(columns('_ids$')))
    from (
        select
            * exclude (dimension, dimension_value),
            unnest(custom_dimensions, recursive := true)
        from counted
    )
    group by account_id, configuration_set, grain, period_start, dimension, dimension_value

),

added as (

    select
        * exclude (
            send_recipients, delivery_recipients, bounce_recipients, complaint_recipients,
            opened_of_hour, opened_of_day, opened_of_month, opened_ids,
            clicked_of_hour, clicked_of_day, clicked_of_month, clicked_ids
        ),
        cast(send_recipients as bigint) as send_recipient_count,
        cast(delivery_recipients as bigint) as delivery_recipient_count,
        cast(bounce_recipients as bigint) as bounce_recipient_count,
        cast(complaint_recipients as bigint) as complaint_recipient_count,
        coalesce(len(list_distinct(opened_ids)), 0)
        + case grain when 'hour' then opened_of_hour when 'day' then opened_of_day else opened_of_month end
            as opened_message_count,
        coalesce(len(list_distinct(clicked_ids)), 0)
        + case grain when 'hour' then clicked_of_hour when 'day' then clicked_of_day else clicked_of_month end
            as clicked_message_count
    from sliced
    where period_start is not null and dimension_value is not null

),

rated as (

    select
        *,
        delivery_count / nullif(send_count, 0) as delivery_rate,
        open_count / nullif(delivery_count, 0) as open_rate,
        click_count / nullif(delivery_count, 0) as click_rate,
        reject_count / nullif(send_count, 0) as reject_rate,
        rated_bounce_count / nullif(rated_send_count, 0) as bounce_rate_proxy,
        rated_complaint_count / nullif(rated_delivery_count, 0) as complaint_rate_proxy,
        {{ load_id() }} as load_id
    from added

)

select * from rated
