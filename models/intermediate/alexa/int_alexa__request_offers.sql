-- Grain: one upsell, or one result of an offer, that a version of a skill's request reports. `is_current` is false
-- where the version doesn't count.
{{ config(unique_key='fact_id') }}

with

requests as not materialized (

    select
        * exclude (load_id)
        replace (coalesce(product_id, 'none') as product_id),
        received_at as happened_at,
        -- purchases in development are never paid for
        stage <> 'development' as is_live
    from {{ read(ref('int_alexa__requests')) }}
    where not is_test and is_changed

),

sent as not materialized (

    select
        * exclude (sent_requests, product_id),
        unnest(sent_requests, recursive := true),
        generate_subscripts(sent_requests, 1) as position
    from requests

),

offers as (

    select
        * replace (coalesce(product_id, 'none') as product_id),
        'upsell ' || version_id || ' ' || position as fact_id,
        'upsell_shown' as event,
        'upsell' as via,
        cast(null as varchar) as result
    from sent
    where name = 'upsell'

    union all by name

    select
        *,
        'result ' || version_id as fact_id,
        'offer_result' as event,
        connection_name as via,
        purchase_result as result
    from requests
    where connection_name in ('buy', 'upsell') and purchase_result is not null

)

select
    fact_id,
    event,
    skill_id,
    stage,
    locale,
    user_id,
    product_id,
    happened_at,
    via,
    result,
    is_live,
    is_current,
    {{ load_id() }} as load_id
from offers
