-- Grain: one grain (hour, day, month), period and outbound campaign, of the journey whose definition names it.
-- A campaign of several journeys is of journey 'none', as no record states which of them a call was for; one that only
-- tests of journeys name is left out.
{{ config(materialized='table', tags='published') }}

with

definitions as (

    select * from {{ ref('int_pinpoint__journey_definitions') }}

),

tests as (

    select *, true as is_test_journey from {{ ref('int_pinpoint__test_journeys') }}

),

campaigns as (

    select
        definitions.connect_campaign_id as campaign_id,
        count(distinct row(application_id, journey_id)) filter (where is_test_journey is null) as journeys,
        case when journeys = 1 then min(application_id) filter (where is_test_journey is null) end as application_id,
        case when journeys = 1 then min(journey_id) filter (where is_test_journey is null) end as journey_id
    from definitions
    left join tests using (application_id, journey_id)
    where definitions.connect_campaign_id is not null
    group by definitions.connect_campaign_id

),

contacts as (

    select
        coalesce(campaigns.application_id, 'none') as application_id,
        coalesce(campaigns.journey_id, 'none') as journey_id,
        journey_names.journey_name,
        contacts.* exclude (record_count)
        replace (greatest(contacts.load_id, (select max(load_id) from definitions)) as load_id)
    from {{ ref('int_pinpoint__contacts_by_period') }} as contacts
    left join campaigns using (campaign_id)
    left join {{ ref('int_pinpoint__journey_names') }} as journey_names
        on campaigns.application_id = journey_names.application_id and campaigns.journey_id = journey_names.journey_id
    where contacts.record_count > 0 and coalesce(campaigns.journeys > 0, true)

)

select * from contacts
