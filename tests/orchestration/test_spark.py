"""What DuckDB's SQL becomes for Spark, a case for each rule; `make test-spark` runs whole systems on Spark itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from touchstone.settings import Settings
from touchstone.spark import NotGenerated
from touchstone.spark.described import Described, Unmapped
from touchstone.spark.fixtures import expectation, literal, select_of, spark_name
from touchstone.spark.models import ZONE, translated
from touchstone.spark.project import generate

RECORDS = """create table records (
    id uuid, name varchar, note varchar, sent_at timestamp, day date, count bigint, price decimal(9, 2), rate double,
    words varchar[], tags map(varchar, varchar[]), body json, items struct(key varchar, size bigint)[],
    first_ids varchar[], second_ids varchar[], sizes map(varchar, bigint), visits bigint, visitors bigint,
    load_id bigint
)"""


@pytest.fixture(scope="module")
def described() -> Iterator[Described]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(RECORDS)
        yield Described(connection)


def spark(query: str, described: Described) -> str:
    return " ".join(translated(query, {}, described).split())


def of(expression: str, described: Described) -> str:
    select = spark(f"select {expression} from records", described).replace("( ", "(").replace(" )", ")")
    return select.removeprefix("SELECT ").removesuffix(" FROM records")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "select * exclude (id) replace (count + 1 as count) from (select id, count, name from records)",
            "SELECT count + 1 AS count, name FROM ( SELECT id, count, name FROM records )",
        ),
        (
            "select * rename (name as title) from (select id, name from records)",
            "SELECT id, name AS title FROM ( SELECT id, name FROM records )",
        ),
        ("select max(columns('^no')) from records", "SELECT MAX(note) AS note FROM records"),
        (
            "select sum(columns('(.*)te$')) as '\\1_sum' from (select rate from records)",
            "SELECT SUM(rate) AS ra_sum FROM ( SELECT rate FROM records )",
        ),
        (
            "select row(*columns(* exclude (id))) as r from (select id, name from records)",
            "SELECT STRUCT(name IS NULL, name AS value_1) AS r FROM ( SELECT id, name FROM records )",
        ),
        (
            "select id, count from records union all by name select 'a' as note, id from records",
            "SELECT id, count, CAST(NULL AS STRING) AS note FROM records"
            " UNION ALL SELECT id, CAST(NULL AS BIGINT) AS count, 'a' AS note FROM records",
        ),
        (
            "select id, unnest(items, recursive := true) from records",
            "SELECT id, ( unnested.item ).key AS key, ( unnested.item ).size AS size FROM records"
            " LATERAL VIEW EXPLODE(items) unnested AS item",
        ),
        (
            "select unnest(first_ids) as a, unnest(second_ids) as b from records",
            "SELECT unnested.item_1 AS a, unnested.item_2 AS b FROM records"
            " LATERAL VIEW INLINE(ARRAYS_ZIP(first_ids, second_ids)) unnested AS item_1, item_2",
        ),
        (
            "select lag(sent_at) over (w order by sent_at) as b from records window w as (partition by id)",
            "SELECT LAG(sent_at) OVER (PARTITION BY id ORDER BY sent_at NULLS LAST) AS b FROM records"
            " WINDOW w AS (PARTITION BY id)",
        ),
        (
            "select r[2] as a from (select row(name, note) as r from records)",
            "SELECT r.value_2 AS a FROM ( SELECT STRUCT(name IS NULL, name AS value_1, note IS NULL, note AS value_2)"
            " AS r FROM records )",
        ),
        (
            "select count(*) filter (where count > 1) over (partition by id) as a from records",
            "SELECT COUNT(CASE WHEN count > 1 THEN 1 END) OVER (PARTITION BY id) AS a FROM records",
        ),
        (
            "select any_value(name) filter (where count > 1) over (partition by id) as a from records",
            "SELECT ANY_VALUE(CASE WHEN count > 1 THEN name END, TRUE) OVER (PARTITION BY id) AS a FROM records",
        ),
        (
            "select metric, value from (select visits, visitors from records)"
            " unpivot (value for metric in (columns('^visit')))",
            "SELECT metric, value FROM ( SELECT visits, visitors FROM records )"
            " UNPIVOT(value FOR metric IN (visits, visitors))",
        ),
        (
            "select a.*, b.name from (select id, sent_at from records) as a"
            " asof left join records as b on a.id = b.id and a.sent_at > b.sent_at",
            "SELECT a.id, a.sent_at, b.name FROM ( SELECT id, sent_at FROM records ) AS a LEFT JOIN ("
            " SELECT *, LEAD(b.sent_at) OVER (PARTITION BY b.id ORDER BY b.sent_at) AS _successor FROM records AS b"
            " WHERE NOT b.sent_at IS NULL ) AS b ON a.id = b.id AND a.sent_at > b.sent_at AND"
            " ( b._successor IS NULL OR a.sent_at <= b._successor )",
        ),
        (
            "select coalesce(body -> '$.a', body) as a from records",
            "SELECT COALESCE(TO_JSON(VARIANT_GET(PARSE_JSON(body), '$[\\'a\\']', 'variant')), body) AS a FROM records",
        ),
    ],
)  # fmt: skip
def test_sugar_is_written_out(query: str, expected: str, described: Described) -> None:
    assert spark(query, described) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("words[1]", "TRY_ELEMENT_AT(words, 1)"),
        ("tags['a'][1]", "TRY_ELEMENT_AT(TRY_ELEMENT_AT(tags, 'a'), 1)"),
        ("len(words)", "CAST(ARRAY_SIZE(words) AS BIGINT)"),
        ("len(name)", "CAST(LENGTH(name) AS BIGINT)"),
        ("list_distinct(words)", "ARRAY_DISTINCT(ARRAY_COMPACT(words))"),
        ("list_contains(words, name)", "ARRAY_CONTAINS(ARRAY_COMPACT(words), name)"),
        ("list_has_all(words, first_ids)", "ARRAY_SIZE(ARRAY_EXCEPT(first_ids, words)) = 0"),
        ("list_position(words, name)", "NULLIF(ARRAY_POSITION(words, name), 0)"),
        ("list_sort(words)", "ARRAY_SORT(words)"),
        ("array_to_string(words, ',')", "ARRAY_JOIN(words, ',')"),
        ("list(name)", "NULLIF(COLLECT_LIST(STRUCT(name AS value)).value, ARRAY())"),
        (
            "list(name) filter (where count > 1)",
            "NULLIF(COLLECT_LIST(STRUCT(name AS value)) FILTER(WHERE count > 1).value, ARRAY())",
        ),
        (
            "list(name order by count) filter (where count > 1)",
            "NULLIF(SORT_ARRAY(COLLECT_LIST(STRUCT(count IS NULL AS key_0, count AS key_1, name AS value))"
            " FILTER(WHERE count > 1)).value, ARRAY())",
        ),
        (
            "list_transform(words, lambda w, i: w || i)",
            "TRANSFORM(words, (w, i) -> w || (i + 1))",
        ),
        ("[upper(w) for w in words if w <> name]", "TRANSFORM(FILTER(words, w -> w <> name), w -> UPPER(w))"),
        (
            "list_concat(words, first_ids)",
            "CONCAT(COALESCE(words, ARRAY()), COALESCE(first_ids, ARRAY()))",
        ),
        ("string_split(name, '|')", "SPLIT(name, '\\\\|')"),
        ("nullif(sizes, map {})", "IF(SIZE(sizes) = 0, NULL, sizes)"),
        ("coalesce(sizes, map())", "COALESCE(sizes, MAP())"),
        (
            "map_concat(map(words, words), sizes)",
            "MAP_CONCAT(TRANSFORM_VALUES(MAP_FROM_ARRAYS(words, words), (k, v) ->"
            " IF(MAP_CONTAINS_KEY(COALESCE(sizes, MAP()), k), TRY_ELEMENT_AT(COALESCE(sizes, MAP()), k), v)),"
            " MAP_FILTER(COALESCE(sizes, MAP()), (k, v) -> NOT MAP_CONTAINS_KEY(MAP_FROM_ARRAYS(words, words), k)))",
        ),
        ("any_value(name) filter (where count > 1)", "ANY_VALUE(name, TRUE) FILTER(WHERE count > 1)"),
        ("bit_count(bit_or(count << 2))", "BIT_COUNT(BIT_OR(SHIFTLEFT(count, CAST(2 AS INT))))"),
        ("list(distinct name)", "NULLIF(COLLECT_LIST(DISTINCT STRUCT(name AS value)).value, ARRAY())"),
        (
            "string_agg(name, ',' order by note)",
            "ARRAY_JOIN(NULLIF(SORT_ARRAY(COLLECT_LIST(STRUCT(note IS NULL AS key_0, note AS key_1, name AS"
            " value))).value, ARRAY()), ',')",
        ),
        (
            "range(13)",
            "IF(CAST(0 AS BIGINT) <= CAST(13 AS BIGINT) - 1, SEQUENCE(CAST(0 AS BIGINT), CAST(13 AS BIGINT) - 1),"
            " ARRAY())",
        ),
        ("make_timestamp(count)", "CAST(TIMESTAMP_MICROS(count) AS TIMESTAMP_NTZ)"),
        ("isodow(day)", "(WEEKDAY(day) + 1)"),
        ("arg_max(name, sent_at)", "MAX_BY(name, sent_at) FILTER(WHERE NOT name IS NULL)"),
        ("md5_number(name)", "MD5(name)"),
        ("count / 2", "CAST(count AS DOUBLE) / 2"),
        ("rate / 2", "rate / 2"),
        ("cast(rate as bigint)", "CAST(RINT(rate) AS BIGINT)"),
        ("date_trunc('hour', sent_at)", "CAST(DATE_TRUNC('hour', sent_at) AS TIMESTAMP_NTZ)"),
        ("day + interval 1 day", "CAST(day AS TIMESTAMP_NTZ) + INTERVAL '1' DAY"),
        ("day - cast(sent_at as date)", "DATEDIFF(day, CAST(sent_at AS DATE))"),
        ("sent_at at time zone 'UTC'", "CAST(sent_at AS TIMESTAMP)"),
        (
            f"(sent_at at time zone 'UTC') at time zone '{ZONE}'",
            "CONVERT_TIMEZONE('UTC', '{{ var(\"reporting_timezone\") }}',"
            " CAST((CAST(sent_at AS TIMESTAMP)) AS TIMESTAMP_NTZ))",
        ),
        ("body ->> '$.a b'", "GET_JSON_OBJECT(body, '$[\\'a b\\']')"),
        ("body ->> '$.*'", "MAP_VALUES(FROM_JSON(body, 'map<string, string>'))"),
        ("body ->> name", "TRY_ELEMENT_AT(FROM_JSON(body, 'map<string, string>'), name)"),
        (
            "json_extract(body, '$.a[*]')",
            "IF(ISNOTNULL(body), TRANSFORM(COALESCE(TRY_VARIANT_GET(PARSE_JSON(body), '$[\\'a\\']', 'array<variant>'),"
            " ARRAY()), e -> TO_JSON(e)), NULL)",
        ),
        (
            "json_contains(body, name)",
            "ARRAY_SIZE(ARRAY_EXCEPT(MAP_ENTRIES(FROM_JSON(name, 'map<string, string>')),"
            " MAP_ENTRIES(FROM_JSON(body, 'map<string, string>')))) = 0",
        ),
        ("cast(body as map(varchar, varchar[]))", "FROM_JSON(body, 'map<string, array<string>>')"),
        ("json_keys(body)", "JSON_OBJECT_KEYS(body)"),
        ("cast(body as varchar)", "body"),
        (
            "cast(body as map(varchar, bigint))",
            "CAST(FROM_JSON(body, 'map<string, string>') AS MAP<STRING, BIGINT>)",
        ),
        (
            "to_json(struct_pack(name := name, count := count))",
            "TO_JSON(NAMED_STRUCT('name', name, 'count', count), MAP('ignoreNullFields', 'false'))",
        ),
        ("json_merge_patch('{}', to_json(struct_pack(name := name)))", "TO_JSON(NAMED_STRUCT('name', name))"),
        ("json_transform(body, '{\"a\": \"DOUBLE\"}')", "FROM_JSON(body, '`a` double')"),
        ("regexp_extract(name, 'a.*')", "REGEXP_EXTRACT(name, 'a.*', 0)"),
        (
            "regexp_extract(name, '(a)(b)', ['first', 'second'])",
            "IF(ISNOTNULL(name), NAMED_STRUCT('first', REGEXP_EXTRACT(name, '(a)(b)', 1),"
            " 'second', REGEXP_EXTRACT(name, '(a)(b)', 2)), NULL)",
        ),
        ("regexp_matches(name, 'a|b')", "REGEXP_LIKE(name, 'a|b')"),
        ("regexp_replace(name, 'a|b', '-', 'g')", "REGEXP_REPLACE(name, 'a|b', '-')"),
        ("regexp_full_match(name, 'a\\d')", "REGEXP_LIKE(name, '^(?:a\\\\d)\\\\z')"),
        ("quantile_cont(rate, 0.5)", "PERCENTILE(rate, 0.5)"),
    ],
)  # fmt: skip
def test_an_expression_has_its_rule(expression: str, expected: str, described: Described) -> None:
    assert of(expression, described) == expected


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("soundex(name)", "soundex"),
        ("regexp_replace(name, 'a', 'b')", "of one match"),
        ("regexp_replace(name, '(a)', '\\1', 'g')", "of one match"),
        ("cast(rate as varchar)", "cast of DOUBLE to varchar"),
        ("cast(cast(rate as decimal(9, 7)) as varchar)", "more than 6 decimals"),
        ("to_json(struct_pack(rate := rate))", "to_json"),
        ("body ->> '$.a[*].b'", "wildcard|->> by"),
        ("'{{ x }}'", "Jinja"),
    ],
)
def test_what_has_no_rule_is_named(expression: str, why: str, described: Described) -> None:
    with pytest.raises(Unmapped, match=why):
        of(expression, described)


def test_what_sqlglot_changes_has_no_rule(described: Described) -> None:
    with pytest.raises(Unmapped, match="no longer reads"):
        spark("with a as (select date_trunc(name, sent_at) as b from records) select * from a", described)


def test_the_line_is_named(described: Described) -> None:
    with pytest.raises(Unmapped) as caught:
        spark("select\n    id,\n    stddev_samp(rate)\nfrom records", described)
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (None, "BIGINT", "null"),
        ("it's", "VARCHAR", "'it\\'s'"),
        (["a", None], "VARCHAR[]", "array('a', null)"),
        ({"a": ["b"]}, "MAP(VARCHAR, VARCHAR[])", "map('a', array('b'))"),
        (1.5, "DOUBLE", "1.5D"),
        ({"x": 1}, "STRUCT(x BIGINT)", "named_struct('x', cast(1 as bigint))"),
        ([0xAE7B], "UHUGEINT[]", f"array('7bae{'0' * 28}')"),
    ],
)
def test_a_value_has_its_literal(value: object, type_: str, expected: str) -> None:
    assert literal(value, type_) == expected


def test_a_unit_test_expects_lists(described: Described) -> None:
    fixture = {"format": "dict", "rows": [{"words": ["it's", 'a "b"'], "count": 1}]}
    columns = [("words", "VARCHAR[]"), ("count", "BIGINT")]
    words = 'array("it\'s", "a \\"b\\"")'
    assert expectation(fixture, columns, described) == {"rows": [{"words": words, "count": 1}]}


def test_a_unit_test_expects_the_text_of_a_large_number(described: Described) -> None:
    """As of 128 bits, which neither dbt's files nor Spark's numbers have."""
    fixture = {"rows": [{"key": 0xAE7B, "count": 1}]}
    expected = {"rows": [{"key": f"7bae{'0' * 28}", "count": 1}]}
    assert expectation(fixture, [("key", "UHUGEINT"), ("count", "BIGINT")], described) == expected


def test_many_rows_that_a_unit_test_expects_are_a_query(described: Described) -> None:
    fixture = {"format": "dict", "rows": [{"count": count} for count in range(501)]}
    expected = expectation(fixture, [("count", "BIGINT")], described)
    assert expected["format"] == "sql"
    assert expected["rows"].startswith("select\n    cast(count as bigint) as count")


def test_types_have_their_names() -> None:
    assert [spark_name(type_) for type_ in ("TIMESTAMP", "VARCHAR", "JSON", "UUID", "HUGEINT", "VARCHAR[]")] == [
        "timestamp_ntz", "string", "string", "string", "decimal(38, 0)", "array<string>",
    ]  # fmt: skip


def test_a_fixture_has_all_columns_of_its_relation(described: Described) -> None:
    fixture = {"format": "dict", "rows": [{"name": "a", "at": "2026-01-01 10:00:00"}]}
    columns = [("name", "VARCHAR"), ("at", "TIMESTAMP"), ("count", "BIGINT")]
    assert " ".join(select_of(fixture, columns, described).split()) == (
        "select cast(name as string) as name, cast(at as timestamp_ntz) as at, cast(null as bigint) as count"
        " from values ('a', timestamp_ntz '2026-01-01 10:00:00') as fixture (name, at)"
    )


def test_a_recursion_has_as_many_steps_and_rows_as_it_needs(described: Described) -> None:
    sql = spark(
        "with recursive steps as (select 1 as n union all select n + 1 from steps where n < 500), "
        "others as (select n from steps) "
        "select count(*) as c from others inner join steps using (n)",
        described,
    )
    assert "steps MAX RECURSION LEVEL 1000000 AS ( SELECT 1 AS n UNION ALL SELECT n + 1 FROM steps" in sql
    assert "others AS ( SELECT n FROM ( SELECT * FROM steps LIMIT ALL ) AS steps )" in sql
    assert "INNER JOIN ( SELECT * FROM steps LIMIT ALL ) AS steps USING (n)" in sql


def test_a_fixture_may_have_any_key(described: Described) -> None:
    fixture = {"format": "sql", "rows": "select 1 as event_key"}
    assert "from values\n    ('1')" in select_of(fixture, [("event_key", "UUID")], described)


def test_what_spark_would_count_wrongly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotGenerated, match="keep_records_days"):
        generate(Settings(home=tmp_path, keep_records_days=30), tmp_path / "project")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(NotGenerated, match="other files"):
        generate(Settings(home=tmp_path), tmp_path)


def test_numbers_of_loads_are_asked_of_the_marks(described: Described) -> None:
    compiled = """
        select *, 1 as load_id
        from (select name, load_id > 0 as is_changed from records where load_id <= 9223372036854775807)
    """
    sql = translated(compiled, {}, described)
    assert "{{ load_id() }} AS load_id" in sql
    assert "load_id > {{ loaded_through('records') }} AS is_changed" in sql
    assert "load_id <= {{ landed_through('records') }}" in sql


VERSIONS = """
    with versions as (select *, load_id > 0 as is_changed from stg_records where load_id <= 9223372036854775807),
    arrived as (select * from versions where is_changed),
    revised as (select distinct {key} from arrived where is_revision)
    {dates}
    select versions.* from versions semi join revised using (id) {of_dates}
"""


def test_a_build_of_what_is_new_names_what_is_small_and_the_dates_of_revised_records(described: Described) -> None:
    described.create("main.stg_records", [
        ("id", "VARCHAR"), ("record_date", "DATE"), ("is_revision", "BOOLEAN"), ("load_id", "BIGINT"),
    ])  # fmt: skip
    of_dates = "semi join revised using (record_date, id)"
    dated = spark(VERSIONS.format(key="record_date, id", dates="", of_dates=of_dates), described)
    assert "SELECT {{ broadcast('revised') }} versions.*" in dated
    assert dated.endswith("record_date IN ({{ revised_dates('stg_records', ['record_date', 'id']) }})")
    days = ", days as (select min(record_date) as first_day from versions semi join revised using (id))"
    since = "where record_date >= (select first_day from days)"
    undated = spark(VERSIONS.format(key="id", dates=days, of_dates=since), described)
    assert undated.count("record_date IN ({{ revised_dates('stg_records', ['id']) }})") == 2
    assert undated.count("broadcast('revised')") == 2


def test_a_build_of_all_records_names_nothing_as_small(described: Described) -> None:
    query = VERSIONS.format(key="id", dates="", of_dates="").replace("load_id > 0", "true")
    assert "broadcast" not in spark(query, described)
    assert "revised_dates" not in spark(query, described)
