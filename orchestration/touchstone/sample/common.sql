-- What the streams share. The run's options are macros: seed(), first_day(), days(), events(), clean().
create macro beginning() as first_day()::timestamp;
create macro ending() as beginning() + to_days(days());

-- Seeded numbers. md5 rather than hash(), whose values may change with DuckDB's version. A place is a bit from which on
-- a draw reads; draws of one number at different places are independent enough.
create macro seeded(label, n) as
    (md5_number_lower(concat(seed(), '/', label, '/', n)) >> 1)::bigint;
create macro draw(bits, place, size) as (bits >> place) % size;
create macro pick(bits, place, options) as options[1 + (bits >> place) % len(options)];
create macro stir(bits, n) as xor(bits, n * 72057594037::bigint);
create macro token(label, n) as md5(concat(seed(), '/', label, '/', n));
create macro uuid_of(hex) as concat_ws('-', hex[1:8], hex[9:12], hex[13:16], hex[17:20], hex[21:32]);

-- Texts. A field without a value is NULL, which concat_ws leaves out; record() leaves out all that is NULL.
create macro iso(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ');
create macro iso_seconds(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%SZ');
create macro field(name, value) as '"' || name || '":' || to_json(value);
create macro record(fields) as json_merge_patch('{}', to_json(fields))::varchar;
create macro within_days(moment) as moment >= beginning() and moment < ending();

-- Most records are extracted when they are made; a few come up to three days late, a few twice.
create macro arrivals(moment, bits) as list_transform(
    case
        when draw(bits, 17, 1000) < 15 then [moment + to_hours(1 + draw(bits, 19, 72))]
        when draw(bits, 17, 1000) < 21 then [moment, moment + to_hours(draw(bits, 19, 30))]
        else [moment]
    end,
    lambda arrived: least(arrived, ending() - interval 1 second)
);

-- Share of a week's work in each hour: busy by day (UTC) and on weekdays.
create table hours as
select
    moment,
    weight,
    sum(weight) over (order by moment) - weight as before,
from (
    select
        moment,
        [100, 108, 110, 106, 95, 52, 45][isodow(moment)]
        * [2, 1, 1, 1, 2, 3, 6, 10, 15, 18, 17, 15, 13, 14, 16, 15, 13, 11, 10, 9, 8, 6, 4, 3][1 + hour(moment)] as weight,
    from (select beginning() + to_hours(h) as moment from range(24 * days()) as r (h))
);

set variable work = (select sum(weight) from hours);

-- So many beginnings, the earliest first.
create macro moments(label, number) as table
select
    n,
    bits,
    moment
    + to_milliseconds(((n * getvariable('work') / number - before) / weight * 3570000 + draw(bits, 5, 30000))::bigint) as moment,
from (
    select *, seeded(label, n) as bits
    from (
        select
            *,
            unnest(range(
                ceil(before * number / getvariable('work'))::bigint,
                ceil((before + weight) * number / getvariable('work'))::bigint
            )) as n
        from hours
    )
);

-- A table of lives has (life, share, script): the life's share of all, and its steps with the seconds from the beginning
-- to each. `opened~3600` comes after about so long: half to one and a half times, the same for all of a life's steps.
create macro steps_of(lives) as table
select
    life,
    share,
    row_number() over (order by share desc, life) as rank,
    list_transform(
        string_split(script, ', '),
        lambda step, j: struct_insert(regexp_extract(step, '^([^+~]+)([+~]?)(.*)$', ['step', 'how', 'seconds']), j := j)
    ) as steps,
from query_table(lives);

create macro lives_of(events, lives) as (
    select greatest(round(events * sum(share) / sum(share * len(steps))), 1)::bigint from steps_of(lives)
);

-- The steps of the life of each row of a table, which has its number, bits, and the moment it begins at. Each life is
-- taken once before chance decides.
create macro told(begun, lives) as table
with slots as (
    select -rank as slot, rank from steps_of(lives)
    union all
    select row_number() over (order by rank, k) - 1 as slot, rank from steps_of(lives), range(share) as r (k)
),

chosen as (
    select
        * rename (moment as begun_at),
        if(n < (select count(*) from steps_of(lives)), -1 - n, draw(bits, 3, (select sum(share) from steps_of(lives)))) as slot,
    from query_table(begun)
),

steps as (
    select rank, life, unnest(steps, recursive := true) from steps_of(lives)
)

select
    chosen.* exclude (slot),
    life,
    step,
    j,
    begun_at + to_milliseconds(
        (coalesce(try_cast(seconds as double), 0) * if(how = '~', 500 + draw(bits, 9, 1000), 1000))::bigint
    ) as moment,
from chosen
join slots using (slot)
join steps using (rank);
