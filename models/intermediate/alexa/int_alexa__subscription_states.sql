-- Grain: one event of a live subscription, as the owner's log has it or as what was paid for runs out, with what it
-- does to the subscription. `is_current` is false where another row has replaced it.
{{ config(unique_key='fact_id') }}

with

newest_records as (

    select
        skill_id,
        max(happened_at) as newest_at,
        -- as of the last build
        max(case when not is_changed then happened_at end) as known_until
    from {{ read(ref('int_alexa__purchases')) }}
    group by skill_id

),

periods as not materialized {{ read(ref('int_alexa__subscription_periods')) }},

changed as (

    select skill_id, stage, user_id, product_id from periods where is_changed
    {% if is_incremental() %}
    union
    -- what was paid for may have ended since then
    select skill_id, stage, user_id, product_id
    from {{ this }}
    inner join newest_records using (skill_id)
    where is_current and coalesce(known_at > known_until, true) and known_at <= newest_at
    {% endif %}

),

current_periods as (

    select * exclude (is_current, is_changed, load_id)
    from periods
    semi join changed using (skill_id, stage, user_id, product_id)
    where is_current

),

-- What was paid for until a time ends then, whether or not the end is logged.
continued as (

    select * from current_periods where not ends_nothing

    union all by name

    select
        current_periods.* replace (
            fact_id || ' until ' || runs_out_at as fact_id,
            'expired' as event,
            null as rank,
            runs_out_at as happened_at,
            null as known_at
        )
    from current_periods
    inner join newest_records using (skill_id)
    where not ends_nothing and known_at <= newest_at

),

followed as (

    select
        *,
        case
            when event in ('subscription_started', 'trial_converted', 'renewed') then true
            when event = 'expired' or phase = 'trial' then false
        end as new_activity,
        last_value(new_activity ignore nulls) over (
            in_order rows between unbounded preceding and current row
        ) as is_active,
        last_value(new_activity ignore nulls) over (
            in_order rows between unbounded preceding and 1 preceding
        ) as was_active,
        coalesce(is_active, false) and phase = 'paid' as is_paid
    from continued
    window in_order as (partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id)

),

with_activity as (

    select
        *,
        coalesce(lag(is_paid) over in_order, false) as was_paid,
        -- who comes back after an end is another subscription
        count(case when is_active and was_active is distinct from true then 1 end) over in_order as stretch,
        -- what isn't known to be active may have started before the log
        event in ('cancelled', 'expired') and was_active is distinct from false as is_leaving
    from followed
    window in_order as (partition by skill_id, stage, user_id, product_id order by happened_at, rank, event_id)

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
    from with_activity

),

facts as (

    select
        columns([
            'fact_id', 'skill_id', 'stage', 'locale', 'user_id', 'product_id', 'product_type', 'happened_at', 'event',
            'via', 'result', 'is_live', 'churned_since', 'known_at'
        ]),
        coalesce(active_change, 0) as active_change,
        coalesce(paid_change, 0) as paid_change,
        coalesce(is_lapsed_trial, false) as is_lapsed_trial,
        coalesce(is_ended, false) as is_ended
    from (
        select * from subscriptions
        union all by name
        select * from current_periods where ends_nothing
    )

)

{{ changed_facts(['fact_id'], ['skill_id', 'stage', 'user_id', 'product_id']) }}
