-- Grain: one grain (hour, day, month), period, subaccount, domain, dimension and its value.
-- Every metric of the vendor's page "Metric definitions": the counts, what is made of them, and the rates.
{{ config(materialized='view', tags='published') }}

with

counts as (

    select * from {{ ref('int_mailgun__counts_by_period') }}

),

derived_counts as (

    select
        *,
        accepted_incoming_count + accepted_outgoing_count as accepted_count,
        delivered_http_count + delivered_smtp_count as delivered_count,
        permanent_failed_count + temporary_failed_count as failed_count,
        delivered_two_plus_attempts_count + permanent_failed_old_count as delayed_first_attempt_count,
        suppressed_bounces_count + suppressed_complaints_count + suppressed_unsubscribed_count as suppressed,
        permanent_failed_count - suppressed as bounced_count,
        delivered_count + permanent_failed_count - suppressed as sent_count,
        delivered_count + permanent_failed_count - webhook_count - delayed_bounce_count as processed_count,
        record_count = 0 as is_empty
    from counts

),

with_rates as (

    select
        * exclude (suppressed),
        bounced_count / nullif(processed_count, 0) as bounce_rate,
        clicked_count / nullif(delivered_count, 0) as clicked_rate,
        complained_count / nullif(delivered_count, 0) as complained_rate,
        delivered_two_plus_attempts_count / nullif(delivered_count, 0) as delayed_rate,
        delivered_count / nullif(sent_count, 0) as delivered_rate,
        opened_count / nullif(delivered_count, 0) as opened_rate,
        permanent_failed_count / nullif(processed_count, 0) as permanent_fail_rate,
        unique_clicked_count / nullif(delivered_count, 0) as unique_clicked_rate,
        unique_opened_count / nullif(delivered_count, 0) as unique_opened_rate,
        unsubscribed_count / nullif(delivered_count, 0) as unsubscribed_rate
    from derived_counts

)

select * from with_rates
