-- Proves that every landed event of a journey is counted once, from staging to each grain, as is every text message's
-- event that is known to be a journey's, and every call of a campaign.
with

landed as (

    select
        count(case when journey_id is not null and not starts_with(event, '_SMS.') then 1 end) as events,
        count(case when starts_with(event, '_SMS.') then 1 end) as texts
    from {{ ref('stg_pinpoint__events') }}

),

attributed as (

    select
        count(*) as texts,
        count(case when journey_id <> 'none' then 1 end) as journeys_texts
    from {{ ref('int_pinpoint__sms_events') }}
    where is_chosen

),

contacts as (

    select count(*) as contacts
    from (
        select contact_id
        from {{ ref('stg_connect__contact_events') }}
        group by contact_id
        having count(campaign_id) > 0 and count(case when channel <> 'VOICE' then 1 end) = 0
    )

),

counted as (

    select
        coalesce(sum(record_count) filter (where grain = 'hour'), 0) as of_hours,
        coalesce(sum(record_count) filter (where grain = 'day'), 0) as of_days,
        coalesce(sum(record_count) filter (where grain = 'month'), 0) as of_months
    from {{ ref('int_pinpoint__messages_by_period') }}

),

counted_contacts as (

    select
        coalesce(sum(record_count) filter (where grain = 'hour'), 0) as of_hours,
        coalesce(sum(record_count) filter (where grain = 'day'), 0) as of_days,
        coalesce(sum(record_count) filter (where grain = 'month'), 0) as of_months
    from {{ ref('int_pinpoint__contacts_by_period') }}

)

select
    landed.events as landed_events,
    landed.texts as landed_texts,
    attributed.texts as attributed_texts,
    attributed.journeys_texts,
    contacts.contacts,
    counted.*,
    counted_contacts.*
from landed
cross join attributed
cross join contacts
cross join counted
cross join counted_contacts
where
    landed.texts <> attributed.texts
    or landed.events + attributed.journeys_texts <> counted.of_hours
    or landed.events + attributed.journeys_texts <> counted.of_days
    or landed.events + attributed.journeys_texts <> counted.of_months
    or contacts.contacts <> counted_contacts.of_hours
    or contacts.contacts <> counted_contacts.of_days
    or contacts.contacts <> counted_contacts.of_months
