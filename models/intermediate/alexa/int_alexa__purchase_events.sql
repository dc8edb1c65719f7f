-- Grain: one event of in-skill purchasing, of the owner's log or, where that says nothing, as the skill's requests
-- tell it, with what it does to a subscription. `is_current` is false where it has become another one since. A
-- user's events of a product are judged together.
{{ config(unique_key='fact_id') }}

with

logged as not materialized (

    select
        * exclude (is_current),
        'log ' || version_id as fact_id,
        is_current
    from {{ ref('int_alexa__purchases') }}

),

requests as not materialized (

    select
        *,
        received_at as happened_at,
        -- purchases in development are never paid for
        stage <> 'development' as is_live
    from {{ ref('int_alexa__requests') }}
    where not is_test

),

products as (

    select * from {{ ref('alexa_in_skill_products') }}

),

landed as (

    select
        (select max(happened_at) from logged) as until,
        greatest((select max(landing) from logged), (select max(landing) from requests)) as landing

),

sent as not materialized (

    select
        * exclude (sent_requests, product_id),
        unnest(sent_requests, recursive := true),
        generate_subscripts(sent_requests, 1) as position
    from requests

),

-- What a skill's requests tell: that it suggested a product, and what came of an offer.
told as not materialized (

    select
        'upsell ' || version_id || ' ' || position as fact_id,
        'upsell_shown' as event,
        'upsell' as via,
        null as result,
        *
    from sent
    where name = 'upsell'

    union all by name

    select
        'result ' || version_id as fact_id,
        'offer_result' as event,
        connection_name as via,
        purchase_result as result,
        *
    from requests
    where connection_name in ('buy', 'upsell') and purchase_result is not null

    union all by name

    -- who accepts has heard the offer; who declines may have declined before
    select
        'offer ' || version_id as fact_id,
        'offer_made' as event,
        connection_name as via,
        null as result,
        *
    from requests
    where connection_name in ('buy', 'upsell') and purchase_result = 'ACCEPTED'

    union all by name

    select
        'start ' || version_id as fact_id,
        'subscription_started' as event,
        connection_name as via,
        null as result,
        requests.*
    from requests
    inner join products using (product_id)
    where
        connection_name in ('buy', 'upsell')
        and purchase_result = 'ACCEPTED'
        and product_type = 'SUBSCRIPTION'

),

from_requests as not materialized (

    select
        fact_id,
        event,
        skill_id,
        stage,
        locale,
        user_id,
        coalesce(product_id, 'none') as product_id,
        coalesce(product_type, 'none') as product_type,
        happened_at,
        via,
        result,
        is_live,
        is_current,
        landing
    from told
    left join products using (product_id)

),

touched as (

    select skill_id, stage, user_id, product_id from logged where landing > {{ processed_landing() }}
    union
    select skill_id, stage, user_id, product_id from from_requests where landing > {{ processed_landing() }}
    {% if is_incremental() %}
    union
    -- what was cancelled may have run out since
    select skill_id, stage, user_id, product_id
    from {{ this }}
    cross join landed
    where is_current and runs_out_at <= landed.until
    {% endif %}

),

from_log as (

    select * from logged semi join touched using (skill_id, stage, user_id, product_id) where is_current

),

-- One fact once: what the log tells about at the time is the log's.
unlogged as (

    select *
    from from_requests
    semi join touched using (skill_id, stage, user_id, product_id)
    where
        is_current
        and not exists (
            select fact_id
            from from_log
            where
                from_log.skill_id = from_requests.skill_id
                and from_log.stage = from_requests.stage
                and from_log.user_id = from_requests.user_id
                and from_log.product_id = from_requests.product_id
                and from_log.happened_at
                between from_requests.happened_at - interval {{ var('alexa_purchase_match_minutes') }} minutes
                and from_requests.happened_at + interval {{ var('alexa_purchase_match_minutes') }} minutes
        )

),

-- The life of a subscription, as far as it is logged: without its end, a start alone would be active for ever.
lives as (

    select
        *,
        -- at one instant an end comes last
        list_position(['subscription_started', 'trial_converted', 'renewed', 'cancelled'], event) as rank,
        case
            when event = 'subscription_started' then case when is_trial then 'trial' else 'paid' end
            when event in ('trial_converted', 'renewed') then 'paid'
        end as new_phase
    from from_log
    where is_live and event in ('subscription_started', 'trial_converted', 'renewed', 'cancelled', 'expired')

),

phased as (

    select
        * replace (coalesce(first_value(nullif(locale, 'none') ignore nulls) over life, 'none') as locale),
        coalesce(
            last_value(new_phase ignore nulls) over so_far, case when is_trial then 'trial' else 'paid' end
        ) as phase,
        last_value(expires_at ignore nulls) over so_far as known_expiry,
        first_value(
            case when event <> 'cancelled' then struct_pack(event, happened_at) end ignore nulls
        ) over ahead as next_turn
    from lives
    window
        life as (
            partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
            rows between unbounded preceding and unbounded following
        ),
        so_far as (
            partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
            rows between unbounded preceding and current row
        ),
        ahead as (
            partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
            rows between current row and unbounded following
        )

),

-- A paid subscription that is cancelled runs until what is paid for ends, whether or not its end is logged.
ending as (

    select
        *,
        case
            when
                event = 'cancelled'
                and phase = 'paid'
                and next_turn.event is distinct from 'expired'
                and known_expiry is not null
                and coalesce(next_turn.happened_at > known_expiry, true)
                then greatest(known_expiry, happened_at)
        end as runs_out_at
    from phased

),

continued as (

    select * from ending

    union all by name

    select
        ending.* replace (
            fact_id || ' until ' || runs_out_at as fact_id,
            'expired' as event,
            null as rank,
            runs_out_at as happened_at,
            null as runs_out_at
        )
    from ending
    cross join landed
    where runs_out_at <= landed.until

),

activated as (

    select
        *,
        case
            when event in ('subscription_started', 'trial_converted', 'renewed') then true
            when event = 'expired' or phase = 'trial' then false
        end as new_activity
    from continued

),

followed as (

    select
        *,
        last_value(new_activity ignore nulls) over (
            life rows between unbounded preceding and current row
        ) as is_active,
        last_value(new_activity ignore nulls) over (
            life rows between unbounded preceding and 1 preceding
        ) as was_active
    from activated
    window life as (partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id)

),

judged as (

    select
        *,
        coalesce(is_active, false) and phase = 'paid' as is_paid,
        -- what was not known to be active may have begun before the log
        event in ('cancelled', 'expired') and was_active is distinct from false as is_leaving
    from followed

),

subscriptions as (

    select
        *,
        cast(coalesce(is_active, false) as integer) - cast(coalesce(was_active, false) as integer) as active_change,
        cast(is_paid as integer) - cast(coalesce(
            lag(is_paid) over (
                partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
            ),
            false
        ) as integer) as paid_change,
        is_leaving and phase = 'trial' as is_lapsed_trial,
        is_leaving and phase = 'paid' as is_churned,
        is_leaving and ((event = 'cancelled') = (phase = 'trial')) as is_ended
    from judged

),

gathered as (

    select * from subscriptions
    union all by name
    select * from from_log anti join lives using (fact_id)
    union all by name
    select * from unlogged

),

facts as (

    select
        fact_id,
        skill_id,
        stage,
        locale,
        user_id,
        product_id,
        product_type,
        happened_at,
        event,
        via,
        result,
        is_live,
        coalesce(active_change, 0) as active_change,
        coalesce(paid_change, 0) as paid_change,
        coalesce(is_lapsed_trial, false) as is_lapsed_trial,
        coalesce(is_churned, false) as is_churned,
        coalesce(is_ended, false) as is_ended,
        runs_out_at
    from gathered

)

{{ changed_facts(
    'facts', ['fact_id'], ['skill_id', 'stage', 'user_id', 'product_id'], 'select landing from landed'
) }}
