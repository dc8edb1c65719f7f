-- Grain: one landed version of an event in the owner's log of purchases, with what it says of its product's type.
{{ config(materialized='view') }}

with

purchases as (

    select
        * exclude (record_key, version_id, product_type),
        'log ' || version_id as fact_id,
        event in ('subscription_started', 'trial_converted', 'renewed', 'cancelled', 'expired') as is_of_subscription,
        case when is_of_subscription then 'SUBSCRIPTION' else nullif(product_type, 'none') end as stated_type
    from {{ ref('int_alexa__purchases') }}

)

select * from purchases
