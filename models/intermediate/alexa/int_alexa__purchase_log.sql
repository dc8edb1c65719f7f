-- Grain: one event of in-skill purchasing, of the owner's log or, where that says nothing, as the skill's requests
-- report it. `is_current` is false where it has become another one since. A user's events of a product are taken together.
{{ config(unique_key='fact_id') }}

{% set matched %} interval {{ var('alexa_purchase_match_minutes') }} minutes {% endset %}

with

logged as not materialized (

    select
        * exclude (product_type),
        'log ' || version_id as fact_id,
        event in ('subscription_started', 'trial_converted', 'renewed', 'cancelled', 'expired') as is_of_subscription,
        case when is_of_subscription then 'SUBSCRIPTION' else nullif(product_type, 'none') end as stated_type
    from {{ read(ref('int_alexa__purchases')) }}

),

-- What a product is, for records that don't say: the seed's word, else the log's latest, of any user.
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
    from {{ ref('alexa_in_skill_products') }}

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
    -- what a product is may be known since
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

-- One fact once: what the log holds of the time is the log's, and hides nothing of another kind or result.
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

-- Who accepts has heard the offer, and has begun a subscription; who declines may have declined before the offer.
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
