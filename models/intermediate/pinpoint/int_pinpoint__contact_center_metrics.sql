-- Grain: one grain (hour, day, month), period and outbound campaign, of the journey whose definition names it.
-- A campaign of several journeys is of journey 'none', as nothing tells which of them a call was for.
{{ config(materialized='view', database='touchstone') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__journey_definitions') }}

),

campaigns as (

    select
        connect_campaign_id as campaign_id,
        min(application_id) as application_id,
        min(journey_id) as journey_id
    from definitions
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)
    where connect_campaign_id is not null
    group by connect_campaign_id
    having count(distinct row(application_id, journey_id)) = 1

),

contacts as (

    select
        coalesce(campaigns.application_id, 'none') as application_id,
        coalesce(campaigns.journey_id, 'none') as journey_id,
        contacts.* exclude (record_count)
        replace (greatest(contacts.landing, (select max(landing) from definitions)) as landing)
    from {{ ref('int_pinpoint__contacts_by_period') }} as contacts
    left join campaigns using (campaign_id)
    where contacts.record_count > 0

)

select * from contacts
