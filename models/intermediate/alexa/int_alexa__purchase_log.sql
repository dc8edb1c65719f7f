-- Grain: one event of in-skill purchasing, from the owner's log or, where that has nothing, as the skill's requests
-- report it. `is_current` is false once another event has replaced it. A user's events of a product change together.
{{ config(unique_key='fact_id') }}

{% set matched %} interval {{ var('alexa_purchase_match_minutes') }} minutes {% endset %}

with

logged as not materialized {{ read(ref('int_alexa__logged_purchases')) }},

-- The type of a product, for records that don't state it: the seed's, else the last that the log states, of any user.
logged_types as (

    select
        skill_id,
        product_id,
        arg_max(stated_type, row(happened_at, stated_type)) as logged_type
    from logged
    where is_current and product_id <> 'none' and stated_type is not null
    group by skill_id, product_id

),

seeded_types as (

    select
        product_id,
        product_type as seeded_type
    from {{ own_seed('alexa_in_skill_products') }}

),

typed as not materialized (

    select
        fact_id,
        event,
        skill_id,
        stage,
        locale,
        user_id,
        product_id,
        coalesce(stated_type, seeded_type, logged_type, 'none') as product_type,
        happened_at,
        via,
        result,
        is_live,
        columns(['event_id', 'is_of_subscription', 'is_trial', 'expires_at', 'is_current', 'is_changed']),
        row(skill_id, stage, user_id, product_id, event) as series
    from (
        select * from logged
        union all by name
        select * from {{ read(ref('int_alexa__request_offers')) }}
    )
    left join seeded_types using (product_id)
    left join logged_types using (skill_id, product_id)

),

changed as (

    select skill_id, stage, user_id, product_id from typed where is_changed
    {% if is_incremental() %}
    union
    -- a product's type may have become known since
    select skill_id, stage, user_id, product_id
    from {{ this }}
    left join seeded_types using (product_id)
    left join logged_types using (skill_id, product_id)
    where is_current and product_type <> coalesce(seeded_type, logged_type, 'none')
    {% endif %}

),

current_facts as materialized (

    select * exclude (is_current, is_changed)
    from typed
    semi join changed using (skill_id, stage, user_id, product_id)
    where is_current

),

from_log as (

    select * from current_facts where event_id is not null

),

-- Each fact counts once: the log's record hides what requests report of the same time, kind and result, and no more.
known as (

    select current_facts.*
    from current_facts
    anti join from_log
        on
            current_facts.event_id is null
            and current_facts.series = from_log.series
            and current_facts.result is not distinct from from_log.result
            and from_log.happened_at between current_facts.happened_at - {{ matched }}
            and current_facts.happened_at + {{ matched }}

),

-- Whoever accepts has heard the offer and has begun a subscription. Whoever declines may have done so before the offer.
accepted as (

    select
        known.* exclude (event, series, event_id, is_of_subscription, is_trial, expires_at)
        replace (cast(null as varchar) as result),
        implied_event as event,
        row(skill_id, stage, user_id, product_id, implied_event) as series
    from known
    cross join unnest(['offer_made', 'subscription_started']) as implications (implied_event)
    where known.event = 'offer_result' and known.result = 'ACCEPTED'

),

implied as (

    select accepted.* replace (event || ' by ' || fact_id as fact_id)
    from accepted
    anti join from_log
        on
            accepted.series = from_log.series
            and from_log.happened_at between accepted.happened_at - {{ matched }} and accepted.happened_at + {{ matched }}
    where event = 'offer_made' or product_type = 'SUBSCRIPTION'

),

facts as (

    select * exclude (series) replace (coalesce(is_of_subscription and is_live, false) as is_of_subscription)
    from (
        select * from known
        union all by name
        select * from implied
    )

)

{{ changed_facts(['fact_id'], ['skill_id', 'stage', 'user_id', 'product_id']) }}
