-- Needs: alexa/_shared.sql.
-- The owner's log of in-skill purchasing.
create table purchases as
select unnest(arrivals(moment, stir(bits, j))) as arrived, to_json({
    "at": iso(moment), skill_id: skill_id, stage: stage, locale: if(person % 16 = 0, null, locale),
    event: p[1][2:], user_id: user_id, product_id: product,
    product_type: case
        when contains(product, 'club') then 'SUBSCRIPTION'
        when contains(product, 'extra') then 'ENTITLEMENT'
        else 'CONSUMABLE'
    end,
    via: if(contains(script, 'Upsell'), 'upsell', 'buy'), result: nullif(p[2], ''), trial: p[3]::boolean,
    expires_at: iso(moment + to_days(p[4]::integer)),
    purchase_mode: if(stage = 'development' or person % 40 = 1, 'TEST', 'LIVE'),
    event_id: token('purchase', concat(n, '/', j)),
})::varchar as line
from happened
where step[1] = '$';

from purchases
union all
from odd('purchases', '%offer_result%', list_concat(odd_times('at'), [
    '{"event_id":null}', '{"event":"teleported"}', '{"event":""}', '{"result":"PERHAPS"}', '{"product_id":"all"}'
]));
