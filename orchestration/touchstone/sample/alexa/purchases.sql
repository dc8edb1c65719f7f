-- The owner's log of in-skill purchasing.
create table purchases as from records_of('$', '{"at":"$at","skill_id":"$skill","stage":"$stage",'
    || '"locale":"<$locale|$locale|$locale|$locale|NULL>","event":"$1","user_id":"$user","product_id":"$product",'
    || '"product_type":"$type","via":"$via","result":"$2","trial":$3,"expires_at":"$expires","purchase_mode":"$mode",'
    || '"event_id":"$id"}');

from with_odd('purchases', '%', odd_times('at') || [
    '{"event_id":null}', '{"event":"teleported"}', '{"product_id":"all"}'
]);
