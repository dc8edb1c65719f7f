-- Grain: one event of a live subscription in the owner's log, with its period: each start, conversion or renewal begins
-- one. `is_current` is false where another row has replaced it.
{{ config(unique_key='fact_id') }}

{% set grace %} interval {{ var('alexa_renewal_grace_hours') }} hours {% endset %}

with

events as not materialized (

    select * from {{ read(ref('int_alexa__purchase_log')) }} where is_of_subscription

),

changed as (

    select distinct skill_id, stage, user_id, product_id from events where is_changed

),

-- The owner's log alone: a start that only requests report would be active for ever, as its end isn't known.
logged as (

    select
        events.* exclude (is_of_subscription, is_current, is_changed, load_id),
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
    from events
    semi join changed using (skill_id, stage, user_id, product_id)
    where is_current
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

-- The end of a period, by its beginning or a later cancel.
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
    from logged

),

bounded as (

    select
        *,
        case
            when period > 0 then first_value(greatest(happened_at, paid_until_before)) over (
                partition by skill_id, stage, user_id, product_id, period order by happened_at, rank, event_id
            )
        end as follows
    from (
        select
            *,
            lag(paid_until) over (
                partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id
            ) as paid_until_before
        from dated
    )

),

with_ends as (

    select
        * exclude (new_phase, paid_until_before, follows, next_period),
        -- The expiry of a period ends nothing where the next has begun by then, or a renewal or conversion follows at once.
        event = 'expired'
        and (
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
        ) as ends_nothing
    from bounded

),

followed_by as (

    select
        *,
        lead(struct_pack(event, happened_at)) over (
            partition by skill_id, stage, user_id, product_id, ends_nothing order by happened_at, rank, event_id
        ) as next_event
    from with_ends

),

-- A paid or trial period ends by its date, whether or not the end is logged, once the log has gone on for so long that a
-- renewal would be in it.
facts as (

    select
        * exclude (next_event),
        case
            when
                event <> 'expired'
                and not (event = 'cancelled' and phase = 'trial')
                and case
                    when next_event is null then true
                    when next_event.event = 'subscription_started' then next_event.happened_at > paid_until
                    when next_event.event in ('trial_converted', 'renewed')
                        then next_event.happened_at > paid_until + {{ grace }}
                end
                then case when paid_until is not null then greatest(paid_until, happened_at) end
        end as runs_out_at,
        case when next_event is null and event <> 'cancelled' then runs_out_at + {{ grace }} else runs_out_at end
        as known_at
    from followed_by

)

{{ changed_facts(['fact_id'], ['skill_id', 'stage', 'user_id', 'product_id']) }}
