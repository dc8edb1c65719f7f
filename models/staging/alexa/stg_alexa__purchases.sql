-- Grain: one landed version of an event of in-skill purchasing, as the owner recorded it.
select
    {{ landed_columns(at='happened_at') }},
    event_id,
    event,
    skill_id,
    coalesce(nullif(stage, ''), 'none') as stage,
    coalesce(nullif(locale, ''), 'none') as locale,
    coalesce(nullif(user_id, ''), 'none') as user_id,
    coalesce(nullif(product_id, ''), 'none') as product_id,
    coalesce(upper(nullif(product_type, '')), 'none') as product_type,
    lower(nullif(via, '')) as via,
    upper(nullif(result, '')) as result,
    trial as is_trial,
    try_cast(expires_at as timestamptz) at time zone 'UTC' as expires_at,
    coalesce(upper(nullif(purchase_mode, '')), 'LIVE') = 'LIVE' as is_live
from {{ landed('alexa', 'purchases') }}
