"""PostgreSQL and object stores show what the published file does, whatever they held before."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import fsspec
import psycopg2
import pytest
from dagster import AssetKey, DagsterInstance

from touchstone.__main__ import main
from touchstone.alerts import reasons_of
from touchstone.definitions import build_definitions, definitions_of
from touchstone.doctor import Level, examine
from touchstone.publish import activate_release, releases
from touchstone.settings import PROJECT, Settings, SettingsMistake, load_settings
from touchstone.targets import TargetFailed, catch_up, publish_to, targets_of

from .conftest import TestHome
from .events import some_events
from .servers import postgres_server, s3_server
from .test_release import release

Row = tuple[Any, ...]
PAGE = (PROJECT / "docs" / "publish.md").read_text()
DEAD = "postgresql://me:s%40cret@127.0.0.1:1/marts"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> str:
    """The address of an empty database."""
    name = re.sub(r"\W", "", request.node.name)[:60]
    run(server, f"create database {name}")
    return server.replace("/postgres", f"/{name}")


@pytest.fixture(params=["file", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder that doesn't exist yet, or an empty bucket of a server."""
    if request.param == "file":
        yield f"file://{tmp_path}/a folder"
        return
    with s3_server(monkeypatch):
        yield "s3://bucket/a folder"


@pytest.fixture(scope="module")
def releases_of_two_nights(session_home: TestHome) -> TestHome:
    home = session_home
    home.reset()
    home.put("mailgun/events", "a.json", some_events(seed=1, count=300))
    home.land()
    home.build()
    release(home)
    home.put("mailgun/events", "b.json", some_events(seed=2, count=1))
    home.land()
    home.build()
    release(home)
    return home


@pytest.fixture
def two(releases_of_two_nights: TestHome) -> TestHome:
    """A home with two releases, of which readers see the second: one event is new in it."""
    activate_release(releases_of_two_nights.settings, releases(releases_of_two_nights.settings)[-1])
    return releases_of_two_nights


def run(url: str, sql: str, **options: str) -> list[Row]:
    connection = psycopg2.connect(url, **options)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def published(settings: Settings, sql: str) -> list[Row]:
    with duckdb.connect(str(settings.published.resolve() / "touchstone.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def columns(settings: Settings) -> dict[str, list[str]]:
    """The columns of each mart but the long tables."""
    return dict(
        published(
            settings,
            "select table_name, list(column_name order by column_index) from duckdb_columns() where schema_name = "
            "'main' and not internal and not starts_with(table_name, 'metric_values_') group by 1 order by 1",
        )
    )  # type: ignore[return-value]


def marts_of(settings: Settings) -> dict[str, list[Row]]:
    """The rows of each mart but the long tables, in an order that depends on them alone."""
    with duckdb.connect(str(settings.published.resolve() / "touchstone.duckdb"), read_only=True) as connection:
        return {
            mart: sorted(connection.execute(f"select {_listed(names)} from {mart}").fetchall(), key=repr)
            for mart, names in columns(settings).items()
        }


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def same_in_postgres(url: str, settings: Settings, schema: str = "touchstone") -> None:
    expected = marts_of(settings)
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            for mart, names in columns(settings).items():
                cursor.execute(f'select {_listed(names)} from "{schema}".{mart}')
                assert sorted(cursor.fetchall(), key=repr) == expected[mart], mart
    finally:
        connection.close()
    tables = run(url, f"select table_name from information_schema.tables where table_schema = '{schema}'")
    assert {name for (name,) in tables} == {*expected, "touchstone_release"}


def same_in(location: str, settings: Settings) -> None:
    """Read one mart as the page says, and then the others in the same way."""
    snippet = re.search(r"```python\n(import duckdb, fsspec, json.*?)```", PAGE, re.DOTALL)
    assert snippet
    scope: dict[str, Any] = {}
    exec(snippet[1].replace("s3://bucket/touchstone", location), scope)
    head, found = scope["files"][0].split("/marts/")[0], scope["marts"]
    assert found.sql("select count(*) from mailgun_metrics_daily").fetchall()[0][0] > 0
    files: dict[str, list[str]] = {}
    for file in scope["current"]["files"]:
        files.setdefault(file["mart"], []).append(f"{head}/{file['path']}")
    expected = marts_of(settings)
    assert files.keys() == expected.keys()
    for mart, names in columns(settings).items():
        assert sorted(found.read_parquet(files[mart]).select(_listed(names)).fetchall(), key=repr) == expected[mart], (
            mart
        )
    found.close()


def test_postgresql_follows_the_release_and_changed_months_alone_are_written(two: TestHome, database: str) -> None:
    settings = load_settings(publish_postgres=database)
    (target,) = targets_of(settings)
    assert target.shown() is None
    older, newer = releases(settings)
    activate_release(settings, older)
    first = publish_to(target, settings)
    assert target.shown() == older.name
    same_in_postgres(database, settings)

    activate_release(settings, newer)
    second = publish_to(target, settings)
    same_in_postgres(database, settings)
    files = {file.relative_to(newer): file.stat().st_ino for file in newer.glob("parquet/*/*.parquet")}
    linked = {file.relative_to(older): file.stat().st_ino for file in older.glob("parquet/*/*.parquet")}
    changed = {file for file, inode in files.items() if linked.get(file) != inode}
    # and the tables without Parquet files: run and source_freshness
    assert second.parts <= len(changed) + 2 < first.parts
    assert publish_to(target, settings).parts == 0
    assert target.shown() == newer.name

    # it missed the night, and readers of the file went back
    assert main(["rollback"]) == 0  # without the setting nothing is copied
    assert target.shown() == newer.name
    assert catch_up(targets_of(settings), settings) == {}
    assert target.shown() == older.name
    same_in_postgres(database, settings)


def test_a_rollback_reaches_the_target(
    two: TestHome, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOUCHSTONE_PUBLISH_POSTGRES", database)
    settings = load_settings()
    older, newer = releases(settings)
    assert catch_up(targets_of(settings), settings) == {}
    assert main(["rollback"]) == 0
    assert targets_of(settings)[0].shown() == older.name
    same_in_postgres(database, settings)

    monkeypatch.setenv("TOUCHSTONE_PUBLISH_POSTGRES", DEAD)
    activate_release(settings, newer)
    capsys.readouterr()
    assert main(["rollback"]) == 1
    assert settings.published.resolve() == older
    said = capsys.readouterr().err
    assert said.startswith("error: PostgreSQL still shows the other release: 127.0.0.1")
    assert "cret" not in said


def test_a_reader_never_sees_two_releases_mixed(two: TestHome, database: str) -> None:
    settings = load_settings(publish_postgres=database)
    (target,) = targets_of(settings)
    sums = "select sum(accepted_count) from {}mailgun_metrics_daily"
    known = set()
    for each in releases(settings):
        activate_release(settings, each)
        known.add(published(settings, f"select max(build), ({sums.format('')}) from run")[0])
    assert len(known) == 2
    publish_to(target, settings)
    seen: list[Row] = []
    done = threading.Event()

    def read() -> None:
        connection = psycopg2.connect(database)
        connection.set_session(isolation_level="REPEATABLE READ")
        while not done.is_set():
            with connection, connection.cursor() as cursor:  # a transaction of two queries
                cursor.execute("select max(build) from touchstone.run")
                ((build,),) = cursor.fetchall()
                cursor.execute(sums.format("touchstone."))
                ((total,),) = cursor.fetchall()
                seen.append((build, int(total)))
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(3):
            for each in releases(settings):
                activate_release(settings, each)
                publish_to(target, settings)
                # an upgrade gives a table other columns, in its place
                run(database, "alter table touchstone.mailgun_metrics_daily add column old bigint")
    finally:
        done.set()
        reader.join()
    assert len(seen) > 10
    assert set(seen) == {(build, int(total)) for build, total in known}


def test_an_upgrade_changes_columns_and_says_what_is_in_its_way(two: TestHome, database: str) -> None:
    settings = load_settings(publish_postgres=database, publish_postgres_schema="My marts")
    (target,) = targets_of(settings)
    publish_to(target, settings)
    table = '"My marts".mailgun_metrics_daily'
    run(database, f"alter table {table} drop column accepted_count, add column gone text")
    run(database, f"alter table {table} alter column bounced_count type text, drop column period_start")
    run(database, 'drop table "My marts".ses_metrics_daily')
    assert publish_to(target, settings).rows > 0
    same_in_postgres(database, settings, "My marts")
    types = dict(
        run(
            database,
            "select column_name, data_type from information_schema.columns "
            "where (table_schema, table_name) = ('My marts', 'mailgun_metrics_daily')",
        )
    )
    assert types.keys() == {*columns(settings)["mailgun_metrics_daily"]}
    assert types["bounced_count"] == types["accepted_count"] == "bigint"
    assert (types["period_start"], types["bounce_rate"], types["domain"]) == ("date", "double precision", "text")

    # a view of a user's reads a column that has to go: nothing changes
    run(database, f"alter table {table} add column gone text")
    run(database, f"create view public.mine as select gone from {table}")
    with pytest.raises(TargetFailed, match="drop the views of yours"):
        publish_to(target, settings)
    run(database, "drop view public.mine")
    publish_to(target, settings)

    run(database, 'drop table "My marts".touchstone_release')
    with pytest.raises(TargetFailed, match="has a table alexa_account_linking_daily that Touchstone didn't create"):
        publish_to(target, settings)


def test_the_reader_reads_and_finds_descriptions_and_writes_nothing(two: TestHome, database: str) -> None:
    settings = load_settings(publish_postgres=database, publish_postgres_reader="bi tool")
    (target,) = targets_of(settings)
    with pytest.raises(TargetFailed, match='role "bi tool" does not exist; create the role that publish_postgres_re'):
        publish_to(target, settings)
    assert target.shown() is None
    run(database, "create role \"bi tool\" login password 'other'")
    publish_to(target, settings)
    reader = f"postgresql://bi%20tool:other@127.0.0.1:{urlsplit(database).port}{urlsplit(database).path}"
    assert run(reader, "select count(*) from touchstone.mailgun_metrics_daily")[0][0] > 0
    for statement in ("delete from touchstone.run", "create table touchstone.mine (a int)"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run(reader, statement)
    run(database, "drop table touchstone.run")  # a table that is new has the grant too
    publish_to(target, settings)
    assert run(reader, "select count(*) from touchstone.run") == published(settings, "select count(*) from run")
    described = run(
        reader,
        "select relname, coalesce(attname, ''), description from pg_description "
        "join pg_class on pg_class.oid = objoid "
        "left join pg_attribute on attrelid = objoid and attnum = nullif(objsubid, 0) "
        "where relnamespace = 'touchstone'::regnamespace and relname <> 'touchstone_release'",
    )
    expected = published(
        settings,
        "from (select view_name, '', comment from duckdb_views() where schema_name = 'main' and not internal union all "
        "select table_name, '', comment from duckdb_tables() where schema_name = 'main' union all "
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'main' and not internal) "
        "_(mart, name, comment) where comment is not null and not starts_with(mart, 'metric_values_')",
    )
    assert sorted(described) == sorted(expected)
    assert len(expected) > 1000


def test_text_that_postgresql_cannot_hold_is_written_without_it(two: TestHome, database: str) -> None:
    settings = load_settings(publish_postgres=database)
    file = str(settings.published.resolve() / "touchstone.duckdb")
    rename = "update source_freshness set source = replace(source, {}, {})"
    with duckdb.connect(file) as connection:
        connection.execute(rename.format("'/'", "chr(0)"))
    try:
        publish_to(targets_of(settings)[0], settings)
    finally:
        with duckdb.connect(file) as connection:
            connection.execute(rename.format("chr(0)", "'/'"))
    assert ("mailgun\ufffdevents",) in run(database, "select source from touchstone.source_freshness")


def test_an_object_store_follows_the_release_and_keeps_what_readers_have_open(two: TestHome, location: str) -> None:
    settings = load_settings(publish_location=location, keep_releases=1)
    (target,) = targets_of(settings)
    assert target.shown() is None
    older, newer = releases(settings)
    activate_release(settings, older)
    first = publish_to(target, settings)
    filesystem, root = fsspec.core.url_to_fs(location)
    filesystem.pipe_file(f"{root}/marts/theirs.parquet", b"")  # somebody else's
    same_in(location, settings)
    of_first = json.loads(filesystem.cat_file(f"{root}/current.json"))
    activate_release(settings, newer)
    second = publish_to(target, settings)
    assert 0 < second.parts < first.parts
    # a reader of the first still finds its files; two are kept
    assert all(filesystem.exists(f"{root}/{file['path']}") for file in of_first["files"])
    assert {target.shown()} == {newer.name}

    third = shutil.copytree(newer, newer.with_name(newer.name.replace("T", "T9", 1)))
    try:
        activate_release(settings, third)
        publish_to(target, settings)
    finally:
        activate_release(settings, newer)
        shutil.rmtree(third)
    filesystem.invalidate_cache()
    present = {path.removeprefix(f"{root}/") for path in filesystem.find(root)}
    lists = [name for name in present if name.startswith("releases/")]
    needed = {file["path"] for name in lists for file in json.loads(filesystem.cat_file(f"{root}/{name}"))["files"]}
    assert present == {*needed, *lists, "current.json", "marts/theirs.parquet"}
    assert len(lists) == 2

    # a copy that was cut short is written again
    path = next(iter(sorted(needed)))
    filesystem.pipe_file(f"{root}/{path}", b"PAR1")
    publish_to(target, settings)
    same_in(location, settings)


@pytest.mark.parametrize(
    ("setting", "value", "title", "said"),
    [
        ("publish_postgres", DEAD, "PostgreSQL", "Connection refused; correct the setting publish_postgres or"),
        ("publish_location", "nowhere://me:s@cret/x", "Object store", "nowhere:// of the setting publish_location"),
        ("publish_location", "file:///proc/nothing", "Object store", "file: FileNotFoundError: [Errno 2]"),
    ],
)
def test_a_target_that_fails_leaves_the_release_and_says_so(
    two: TestHome, setting: str, value: str, title: str, said: str
) -> None:
    settings = load_settings(**{setting: value})
    (finding,) = [each for each in examine(settings) if each.subject == title]
    if value.startswith("file:"):  # a folder that isn't there yet is none that can't be written
        assert finding.level == Level.WARNING
        assert "shows no release yet" in finding.found
    else:
        assert finding.level == Level.WRONG
        assert said in finding.found
    definitions = definitions_of(settings, given={setting: value})
    name = f"published_{setting.removeprefix('publish_')}"
    job = definitions.resolve_job_def("nightly")
    with DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=[AssetKey(name)], raise_on_error=False)
    assert not result.success
    reasons = reasons_of(result.filter_events(lambda event: event.is_step_failure))
    assert [*reasons] == [title]
    assert said in reasons[title]
    assert "cret" not in str(reasons) + finding.found
    assert catch_up(targets_of(settings), settings).keys() == {title}
    assert settings.published.resolve() == releases(settings)[-1]


def test_a_wrong_password_is_not_shown(two: TestHome, database: str) -> None:
    settings = load_settings(publish_postgres=database.replace("secret", "hidden"))
    with pytest.raises(TargetFailed, match='password authentication failed for user "dagster"') as failed:
        publish_to(targets_of(settings)[0], settings)
    assert "hidden" not in str(failed.value)
    for url in ("postgresql://me:hid/den@host/x", "postgresql://me:hid@den@host/x", "mysql://me:hidden@host/x"):
        with pytest.raises(SettingsMistake, match="publish_postgres as given: it is not an address") as mistake:
            load_settings(publish_postgres=url)
        assert "den" not in str(mistake.value)


def test_a_server_is_reached_by_its_socket(two: TestHome, database: str) -> None:
    """The address has no host before its path, and its password where only PostgreSQL looks for it."""
    ((folder,),) = run(database, "show unix_socket_directories")
    parts = urlsplit(database)
    url = f"postgresql://{parts.path}?host={folder}&port={parts.port}&user=dagster&password="
    settings = load_settings(publish_postgres=f"{url}secret")
    publish_to(targets_of(settings)[0], settings)
    same_in_postgres(database, settings)
    with pytest.raises(TargetFailed, match="password authentication failed") as failed:
        targets_of(load_settings(publish_postgres=f"{url}hidden"))[0].shown()
    assert "hidden" not in str(failed.value)


@pytest.mark.parametrize("location", ["s3"], indirect=True)
def test_a_bucket_that_is_not_there_is_told_and_not_made(location: str, two: TestHome) -> None:
    settings = load_settings(publish_location="s3://nowhere/prefix")
    with pytest.raises(TargetFailed, match=r"s3: FileNotFoundError: .*bucket does not exist; correct the setting"):
        publish_to(targets_of(settings)[0], settings)


def test_a_night_of_dagsters_with_nothing_new_brings_what_a_target_has_missed(home: TestHome, database: str) -> None:
    assert home.manifest  # parsed, which the nights need not do
    home.put("mailgun/events", "a.json", some_events(seed=1, count=50))
    reasons = []
    for address in (DEAD, DEAD, database):
        definitions = build_definitions(home.settings.home, key_prefix="ours", publish_postgres=address)
        job = definitions.resolve_job_def("ours_nightly")
        with DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(instance=instance, raise_on_error=False)
        reasons.append(reasons_of(result.filter_events(lambda event: event.is_step_failure)))
        assert len(releases(home.settings)) == 1
    assert [[*each] for each in reasons] == [["PostgreSQL"], ["PostgreSQL"], []]
    same_in_postgres(database, home.settings)


def test_the_asset_is_there_where_the_setting_is(two: TestHome, database: str) -> None:
    without = definitions_of(two.settings).resolve_asset_graph().get_all_asset_keys()
    assert not any(key.path[-1] in ("published_postgres", "published_location") for key in without)
    theirs = build_definitions(two.settings.home, key_prefix="ours", publish_postgres=database)
    graph = theirs.resolve_asset_graph()
    (key,) = [key for key in graph.get_all_asset_keys() if key.path[-1] == "published_postgres"]
    assert key.path == ["ours", "published_postgres"]
    assert [each.path for each in graph.get(key).parent_keys] == [["ours", "published"]]
    with DagsterInstance.ephemeral() as instance:
        job = theirs.resolve_job_def("ours_nightly")
        assert job.execute_in_process(instance=instance, asset_selection=[key]).success
    same_in_postgres(database, two.settings)


def test_the_queries_for_grafana_run(two: TestHome, database: str) -> None:
    settings = load_settings(publish_postgres=database)
    publish_to(targets_of(settings)[0], settings)
    queries = re.findall(r"```sql\n(.*?)```", PAGE[PAGE.index("## Grafana") :], re.DOTALL)
    assert len(queries) >= 4
    for query in queries:
        assert "touchstone." in query
        sql = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 between '2026-02-01T00:00:00Z' and '2026-05-01T00:00:00Z'", query)
        assert "$__" not in sql
        assert run(database, sql), query
