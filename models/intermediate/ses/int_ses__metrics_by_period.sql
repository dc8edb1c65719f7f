-- Grain: one grain (hour, day, month), period, account, configuration set, dimension and its value.
-- Every metric of the vendor's page "SES Metrics and Dimensions": the counts, and the rates made of them.
{{ config(materialized='view', tags='published') }}

with

counts as (

    select * exclude (opened_of_month, opened_ids, clicked_of_month, clicked_ids)
    from {{ ref('int_ses__counts_by_period') }}

),

with_rates as (

    select
        *,
        delivery_count / nullif(send_count, 0) as delivery_rate,
        open_count / nullif(delivery_count, 0) as open_rate,
        click_count / nullif(delivery_count, 0) as click_rate,
        reject_count / nullif(send_count, 0) as reject_rate,
        rated_bounce_count / nullif(rated_send_count, 0) as bounce_rate_proxy,
        rated_complaint_count / nullif(rated_delivery_count, 0) as complaint_rate_proxy,
        record_count = 0 as is_empty
    from counts

)

select * from with_rates
