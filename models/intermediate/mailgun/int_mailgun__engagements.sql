-- Grain: one opened or clicked event that counts; `is_unique` where it opens a seven-day window.
-- Windows are anchored: an event opens one when seven days or more have passed since the last that did, among the
-- events of its kind, message, recipient and bot. The vendor's page implies it: two weeks can hold two of them.
{{ config(unique_key='event_key') }}

with recursive

events as (

    select * from {{ read(ref('int_mailgun__events')) }} where engagement_key is not null

),

changed as (

    -- by any version, also one that no longer counts: the group that it left gets new windows too
    select distinct engagement_key from events where is_changed

),

engagements as (

    select events.*
    from events
    semi join changed using (engagement_key)
    where is_current

),

instants as (

    select distinct
        engagement_key,
        event_at,
        event_at = min(event_at) over (partition by engagement_key) as is_first,
        min(event_at) over (
            partition by engagement_key
            order by event_at
            range between interval 7 days following and unbounded following
        ) as next_opened_at
    from engagements

),

windows as (

    select
        engagement_key,
        event_at as opened_at,
        next_opened_at
    from instants
    where is_first

    union all

    select
        instants.engagement_key,
        instants.event_at,
        instants.next_opened_at
    from windows
    inner join instants
        on windows.engagement_key = instants.engagement_key and windows.next_opened_at = instants.event_at

),

openers as (

    -- of several events at the same instant one opens the window
    select min(engagements.event_key) as event_key
    from windows
    inner join engagements
        on windows.engagement_key = engagements.engagement_key and windows.opened_at = engagements.event_at
    group by windows.engagement_key, windows.opened_at

),

facts as (

    select
        engagements.event_key,
        engagements.subaccount,
        engagements.domain,
        engagements.event_at,
        openers.event_key is not null as is_unique
    from engagements
    left join openers using (event_key)

)

{{ changed_facts(['event_key']) }}
