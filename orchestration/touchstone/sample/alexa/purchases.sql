-- The owner's log of in-skill purchasing.
create table sold as
select unnest(arrivals(moment, stir(bits, j))) as arrived, to_json({
    "at": iso(moment),
    skill_id: skill_id,
    stage: if(is_development, 'development', 'live'),
    locale: if(person % 16 = 0, null, locale),
    event: split_part(step[2:], '/', 1),
    user_id: user_id,
    product_id: product,
    product_type: case when product like '%club%' then 'SUBSCRIPTION' when product like '%extra%' then 'ENTITLEMENT' else 'CONSUMABLE' end,
    via: if(max((step = 'upsell')::integer) over (partition by n) = 1, 'upsell', 'buy'),
    result: nullif(split_part(step, '/', 2), ''),
    trial: try_cast(nullif(split_part(step, '/', 3), '') as boolean),
    expires_at: iso(moment + to_days(try_cast(nullif(split_part(step, '/', 4), '') as integer))),
    purchase_mode: if(is_development or person % 40 = 1, 'TEST', 'LIVE'),
    event_id: uuid_of(token('purchase', concat(n, '/', j))),
})::varchar as line, step
from happened;

select arrived, line from sold where starts_with(step, '$')
union all
select arrived, json_merge_patch(line, patch)::varchar
from (from sold where starts_with(step, '$offer_result') order by all limit 1), (values
    ('{"at":null}'), ('{"at":"soon"}'), ('{"event_id":null}'), ('{"event":"teleported"}'), ('{"event":""}'), ('{"result":"PERHAPS"}'), ('{"product_id":"all"}')
) as v (patch)
where not clean();
