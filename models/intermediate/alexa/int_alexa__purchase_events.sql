-- Grain: one event of in-skill purchasing, of the owner's log or, where that says nothing, as the skill's requests
-- tell it, with what it does to a subscription. `is_current` is false where it has become another one since. A
-- user's events of a product are judged together.
{{ config(unique_key='fact_id') }}

{% set matched %} interval {{ var('alexa_purchase_match_minutes') }} minutes {% endset %}
{% set grace %} interval {{ var('alexa_renewal_grace_hours') }} hours {% endset %}

with

logged as not materialized (

    select
        * exclude (product_type, is_current),
        'log ' || version_id as fact_id,
        event in ('subscription_started', 'trial_converted', 'renewed', 'cancelled', 'expired') as is_of_subscription,
        case when is_of_subscription then 'SUBSCRIPTION' else nullif(product_type, 'none') end as stated_type,
        is_current
    from {{ read(ref('int_alexa__purchases')) }}

),

requests as not materialized (

    select
        *,
        received_at as happened_at,
        null as stated_type,
        -- purchases in development are never paid for
        stage <> 'development' as is_live
    from {{ read(ref('int_alexa__requests')) }}
    where not is_test

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

newest_records as (

    select
        skill_id,
        max(happened_at) as newest_at,
        -- as it stood when this was built last
        max(case when not is_changed then happened_at end) as settled_until
    from logged
    group by skill_id

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
        * replace (coalesce(product_id, 'none') as product_id),
        'upsell ' || version_id || ' ' || position as fact_id,
        'upsell_shown' as event,
        'upsell' as via,
        null as result
    from sent
    where name = 'upsell'

    union all by name

    select
        * replace (coalesce(product_id, 'none') as product_id),
        'result ' || version_id as fact_id,
        'offer_result' as event,
        connection_name as via,
        purchase_result as result
    from requests
    where connection_name in ('buy', 'upsell') and purchase_result is not null

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
        columns(['event_id', 'is_of_subscription', 'is_trial', 'expires_at']),
        is_current,
        is_changed
    from (
        select * from logged
        union all by name
        select * from told
    )
    left join seeded_types using (product_id)
    left join logged_types using (skill_id, product_id)

),

changed as (

    select skill_id, stage, user_id, product_id from typed where is_changed
    {% if is_incremental() %}
    union
    -- what was paid for may be over since, and what a product is may be known since
    select facts.skill_id, facts.stage, facts.user_id, facts.product_id
    from {{ this }} as facts
    left join newest_records using (skill_id)
    left join seeded_types using (product_id)
    left join logged_types using (skill_id, product_id)
    where
        facts.is_current
        and (
            (coalesce(facts.settled_at > settled_until, true) and facts.settled_at <= newest_at)
            or facts.product_type <> coalesce(seeded_type, logged_type, 'none')
        )
    {% endif %}

),

current_facts as materialized (

    select * from typed semi join changed using (skill_id, stage, user_id, product_id) where is_current

),

from_log as (

    select * from current_facts where event_id is not null

),

-- One fact once: what the log holds of the time is the log's, and hides nothing of another kind or result.
known as (

    select *
    from current_facts as facts
    where
        event_id is not null
        or not exists (
            select fact_id
            from from_log as logged
            where
                logged.skill_id = facts.skill_id
                and logged.stage = facts.stage
                and logged.user_id = facts.user_id
                and logged.product_id = facts.product_id
                and logged.event = facts.event
                and logged.result is not distinct from facts.result
                and logged.happened_at between facts.happened_at - {{ matched }} and facts.happened_at + {{ matched }}
        )

),

-- Who accepts has heard the offer, and has begun a subscription; who declines may have declined before the offer.
accepted as (

    select
        * exclude (fact_id, event, event_id, is_of_subscription, is_trial, expires_at)
        replace (null as result),
        fact_id as accepted_id,
        unnest(['offer_made', 'subscription_started']) as event
    from known
    where known.event = 'offer_result' and known.result = 'ACCEPTED'

),

implied as (

    select
        * exclude (accepted_id),
        event || ' by ' || accepted_id as fact_id
    from accepted as facts
    where
        (event = 'offer_made' or product_type = 'SUBSCRIPTION')
        and not exists (
            select fact_id
            from from_log as logged
            where
                logged.skill_id = facts.skill_id
                and logged.stage = facts.stage
                and logged.user_id = facts.user_id
                and logged.product_id = facts.product_id
                and logged.event = facts.event
                and logged.happened_at between facts.happened_at - {{ matched }} and facts.happened_at + {{ matched }}
        )

),

-- The life of a subscription, as far as it is logged: without its end, a start alone would be active for ever. Each
-- start, conversion or renewal begins a period.
lives as (

    select
        *,
        -- at one instant an end comes last
        list_position(['subscription_started', 'trial_converted', 'renewed', 'cancelled'], event) as rank,
        case
            when event = 'subscription_started' then case when is_trial then 'trial' else 'paid' end
            when event in ('trial_converted', 'renewed') then 'paid'
        end as new_phase,
        count(new_phase) over so_far as period,
        coalesce(
            last_value(new_phase ignore nulls) over so_far, case when is_trial then 'trial' else 'paid' end
        ) as phase,
        first_value(
            case when new_phase is not null then struct_pack(event, happened_at) end ignore nulls
        ) over ahead as next_period
    from from_log
    where is_live and is_of_subscription
    window
        so_far as (
            partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
            rows between unbounded preceding and current row
        ),
        ahead as (
            partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
            rows between 1 following and unbounded following
        )

),

-- Until when a period lasts, by its beginning or a cancel since.
dated as (

    select
        *,
        last_value(
            case when event = 'cancelled' or (new_phase is not null and expires_at > happened_at) then expires_at end
            ignore nulls
        ) over (
            partition by skill_id, stage, user_id, product_id, period order by happened_at, rank, event_id
            rows between unbounded preceding and current row
        ) as paid_until
    from lives

),

followed_on as (

    select
        *,
        lag(paid_until) over (
            partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
        ) as paid_until_before
    from dated

),

bounded as (

    select
        *,
        case
            when period > 0 then first_value(greatest(happened_at, paid_until_before)) over (
                partition by skill_id, stage, user_id, product_id, period order by happened_at, rank, event_id
            )
        end as follows
    from followed_on

),

-- That a period expired ends nothing where the next had begun by then, or begins at once by a renewal or conversion.
turns as (

    select *
    from bounded
    where
        event <> 'expired'
        or not (
            coalesce(is_trial and phase = 'paid', false)
            or coalesce(expires_at <= follows, false)
            or coalesce(happened_at <= follows, false)
            or coalesce(
                period > 1 and expires_at is null
                and happened_at < paid_until and happened_at <= follows + {{ grace }},
                false
            )
            or coalesce(
                next_period.event <> 'subscription_started'
                and next_period.happened_at <= happened_at + {{ grace }},
                false
            )
        )

),

followed_by as (

    select
        *,
        lead(struct_pack(event, happened_at)) over (
            partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
        ) as next_turn
    from turns

),

-- What is paid for, or tried, ends when that is over, whether or not the end is logged. The log must have gone on for
-- so long that a renewal would be in it.
ending as (

    select
        *,
        case
            when
                event <> 'expired'
                and not (event = 'cancelled' and phase = 'trial')
                and case
                    when next_turn is null then true
                    when next_turn.event = 'subscription_started' then next_turn.happened_at > paid_until
                    when next_turn.event in ('trial_converted', 'renewed')
                        then next_turn.happened_at > paid_until + {{ grace }}
                end
                then case when paid_until is not null then greatest(paid_until, happened_at) end
        end as runs_out_at,
        case when next_turn is null and event <> 'cancelled' then runs_out_at + {{ grace }} else runs_out_at end
        as settled_at
    from followed_by

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
            null as settled_at
        )
    from ending
    inner join newest_records using (skill_id)
    where settled_at <= newest_at

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
        ) as was_active,
        coalesce(is_active, false) and phase = 'paid' as is_paid
    from activated
    window life as (partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id)

),

judged as (

    select
        *,
        coalesce(lag(is_paid) over life, false) as was_paid,
        -- who comes back after an end is another subscription
        count(case when is_active and was_active is distinct from true then 1 end) over life as stretch,
        -- what was not known to be active may have begun before the log
        event in ('cancelled', 'expired') and was_active is distinct from false as is_leaving
    from followed
    window life as (partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id)

),

subscriptions as (

    select
        * replace (
            coalesce(
                first_value(nullif(locale, 'none') ignore nulls) over (
                    partition by skill_id, stage, user_id, product_id, stretch order by happened_at, rank, event_id
                    rows between unbounded preceding and unbounded following
                ),
                'none'
            ) as locale
        ),
        cast(coalesce(is_active, false) as integer) - cast(coalesce(was_active, false) as integer) as active_change,
        cast(is_paid as integer) - cast(was_paid as integer) as paid_change,
        is_leaving and phase = 'trial' as is_lapsed_trial,
        is_leaving and ((event = 'cancelled') = (phase = 'trial')) as is_ended,
        case
            when is_leaving and was_paid then last_value(
                case when is_paid and not was_paid then happened_at end ignore nulls
            ) over (
                partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
                rows between unbounded preceding and 1 preceding
            )
        end as churned_since
    from judged

),

gathered as (

    select * from subscriptions
    union all by name
    select * from known anti join turns using (fact_id)
    union all by name
    select * from implied

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
        coalesce(is_ended, false) as is_ended,
        churned_since,
        settled_at
    from gathered

)

{{ changed_facts(['fact_id'], ['skill_id', 'stage', 'user_id', 'product_id']) }}
