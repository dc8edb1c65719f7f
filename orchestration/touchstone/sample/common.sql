-- What the streams share. The run's options are macros: seed(), first_day(), days(), events(), clean().
create macro beginning() as first_day()::timestamp;
create macro ending() as beginning() + to_days(days());

-- Seeded numbers. md5 rather than hash(), whose values may change with DuckDB's version. A place is
-- a bit from which on a draw reads; draws at different places are independent enough.
create macro token(label, n) as md5(concat(seed(), '/', label, '/', n));
create macro seeded(label, n) as (md5_number_lower(concat(seed(), '/', label, '/', n)) >> 1)::bigint;
create macro draw(bits, place, size) as (bits >> place) % size;
create macro pick(bits, place, options) as options[1 + (bits >> place) % len(options)];
create macro stir(bits, n) as xor(bits, n * 72057594037::bigint);
create macro uuid_of(hex) as concat_ws('-', hex[1:8], hex[9:12], hex[13:16], hex[17:20], hex[21:32]);

create macro iso(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ');
create macro iso_seconds(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%SZ');
-- A few clocks have a zone.
create macro clock(n, moment) as case n % 50
    when 7 then strftime(moment - interval 7 hours, '%Y-%m-%dT%H:%M:%S.%g-07:00')
    when 11 then strftime(moment, '%Y-%m-%dT%H:%M:%S.%g417+00:00')
    else iso(moment)
end;
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

-- So many beginnings, the earliest first: by day (UTC) more than by night.
create macro moments(label, number) as table
select n, bits, beginning() + to_milliseconds((86400000 * (x + 0.12 * sin(2 * pi() * x)))::bigint) as moment, '' as kind
from (
    select n, seeded(label, n) as bits, (n + bits % 997 / 997) / number * days() as x,
    from (select unnest(range(number)) as n)
);

-- A table of lives has (share, script): a life's share of all, and its steps with the seconds from the beginning to
-- each. `opened~3600` comes after about so long: half to one and a half times, the same for all of a life's steps; one
-- that doesn't say when about a second after the one before. Steps may have parameters: `failed:permanent:bounce`.
-- `{a|b}` is a life for each choice, which `{}` repeats. A script may begin with the kind of its rows: `EMAIL|send`.
create macro lives_in(lives) as table
select
    row_number() over (order by share desc, kind, script) - 1 as life, share, kind, script,
    list_transform(string_split(script, ' '), lambda step, j: struct_insert(
        regexp_extract(step, '^([^+~]+)([+~]?)(.*)$', ['step', 'how', 'seconds']), j := j
    )) as steps,
from (
    select share, regexp_extract(script, '^(\w+)[|]', 1) as kind, regexp_replace(
        regexp_replace(script, '^\w+[|]', ''), '\{.*?\}',
        unnest(string_split(regexp_extract(script, '\{(.*?)\}', 1), '|')), 'g'
    ) as script
    from query_table(lives)
);

create macro lives_of(events, lives) as
    (select greatest(round(events * sum(share) / sum(share * len(steps))), 1)::bigint from lives_in(lives));

-- The steps of the life of each row of a table, which has its number, bits, kind, and the moment it begins at. Each
-- life is taken once before chance decides.
create macro steps_of(begun, lives) as table
with turns as (
    select kind, life, row_number() over (partition by kind order by turn > 0, life) - 1 as place,
    from (select kind, life, unnest(range(share + 1)) as turn from lives_in(lives))
),

placed as materialized (
    select begun.* exclude (moment), moment as begun_at, if(n < once, n, once + draw(bits, 3, shares)) as place,
    from query_table(begun) as begun
    join (select kind, count() as once, sum(share)::bigint as shares from lives_in(lives) group by kind) using (kind)
)

select
    placed.* exclude (place), script, step, j,
    begun_at + to_milliseconds((
        coalesce(try_cast(seconds as double), j - 1) * if(how = '+', 1000, 500 + draw(bits, 9, 1000))
    )::bigint) as moment,
from placed
join turns using (kind, place)
join (select life, script, unnest(steps, recursive := true) from lives_in(lives)) as steps using (life);

-- Templates of records. Of `<a|b>` a record has one, and the same in all templates for the same variant. `$name` is
-- filled in; a field whose value is NULL is left out, or null.
create macro choose(template, variant) as list_reduce(
    regexp_extract_all(template, '<[^<>|]*[|][^<>]*>'),
    lambda text, choice: replace(text, choice, pick(seeded(choice, variant), 0, string_split(choice[2:-2], '|'))),
    template
);
create macro filled_in(template, fields) as
    list_reduce(fields, lambda text, field: replace(text, field[1], coalesce(field[2], 'NULL')), template);
create macro fill(template, fields) as
    replace(regexp_replace(filled_in(template, fields), ',?"[^"]+":"?NULL"?', '', 'g'), '{,', '{');
create macro fill_with_nulls(template, fields) as
    regexp_replace(filled_in(template, fields), '"?NULL"?', 'null', 'g');

-- What opens and clicks: people, proxies of mailbox providers, and machines.
create macro agents() as '<Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)|'
    || 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36|'
    || 'Mozilla/5.0|Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)|'
    || 'Barracuda Sentinel (EE)>';

-- Odd records: the first that is like the pattern, with each of the patches.
create macro odd(records, pattern, patches) as table
select arrived, json_merge_patch(line, unnest(patches))::varchar as line
from (select arrived, line from query_table(records) where line like pattern and not clean() order by all limit 1);
create macro with_odd(records, pattern, patches) as table
select arrived, line from query_table(records)
union all
from odd(records, pattern, patches);
-- A time that is missing, that is none, or of another age.
create macro odd_times(field) as [
    '{"' || field || '":' || value || '}' for value in
    ['null', '"soon"', '""', '"9999-12-31T23:59:59.999Z"', '"0001-01-01T00:00:00Z"']
];
