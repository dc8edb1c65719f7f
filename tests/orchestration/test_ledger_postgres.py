"""Several machines land into one lake, and share the ledger on PostgreSQL: each record is once in the lake."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone.doctor import Level, examine
from touchstone.landing.compact import compact_lake
from touchstone.landing.land import land
from touchstone.landing.ledger import Ledger
from touchstone.landing.retract import retract_file
from touchstone.landing.shared import LedgerUnavailable, Shared, reading_lake
from touchstone.landing.streams import read_streams
from touchstone.settings import PROJECT, Settings, SettingsMistake, load_settings

from .commands import run as run_command
from .commands import start
from .conftest import TestHome
from .events import some_events
from .servers import postgres_server
from .test_runs import marts
from .test_targets import run

SOURCE = "mailgun/events"
# A machine that lands what is new, as a process of its own.
LAND = """
import sys
from touchstone.landing.land import land
from touchstone.landing.ledger import Ledger
from touchstone.landing.streams import read_streams
from touchstone.settings import load_settings
settings = load_settings(batch_bytes=40_000)
print("starting", flush=True)
with Ledger.open(settings) as ledger:
    land(read_streams()["mailgun/events"], settings, ledger, lambda text: None)
"""
TABLES = (
    "files",
    "seen",
    "quarantine",
    "ignored",
    "refused",
    "unknown_fields",
    "lake_files",
    "record_hours",
    "retractions",
)


class Machines:
    """Homes that share an inbox, a lake and a ledger."""

    def __init__(self, folder: Path, url: str) -> None:
        self.inbox = folder / "inbox"
        self.lake = folder / "lake"
        self._folder, self._url = folder, url
        self.stream = read_streams()[SOURCE]

    def home(self, name: str) -> Path:
        return self._folder / name

    def environment(self, name: str) -> dict[str, str]:
        return {
            "TOUCHSTONE_LEDGER_POSTGRES": self._url,
            "TOUCHSTONE_LAKE_LOCATION": str(self.lake),
            "TOUCHSTONE_SYSTEMS": '["mailgun"]',
            "TOUCHSTONE_LOCATIONS": f'{{"{SOURCE}": "{self.inbox}"}}',
        }

    def settings(self, name: str, **others: Any) -> Settings:
        given = {"ledger_postgres": self._url, "lake_location": str(self.lake), "lock_wait_seconds": 60} | others
        settings = load_settings(home=self.home(name), locations={SOURCE: str(self.inbox)}, **given)
        settings.make_directories()
        return settings

    def put(self, name: str, seed: int, count: int = 40) -> None:
        self.inbox.mkdir(exist_ok=True)
        TestHome.write(self.inbox / name, some_events(seed=seed, count=count))

    def land(self, name: str, **others: Any) -> None:
        settings = self.settings(name, **others)
        with Ledger.open(settings) as ledger:
            land(self.stream, settings, ledger, lambda text: None)

    def start(self, name: str) -> subprocess.Popen[str]:
        self.settings(name)
        return subprocess.Popen(
            [sys.executable, "-c", LAND],
            cwd=PROJECT,
            env=os.environ | self.environment(name) | {"TOUCHSTONE_HOME": str(self.home(name))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def replica(self, name: str) -> dict[str, list[Any]]:
        """The shared rows of a machine that has taken in all others' loads."""
        with Ledger.open(self.settings(name)) as ledger:
            ledger.refresh()
            return {
                table: ledger.connection.execute(
                    f"select * from {table} where source not in ('inbox', 'settings') order by all"
                ).fetchall()
                for table in TABLES
            }

    def records(self) -> list[tuple[Any, ...]]:
        """The lake's records, but for the numbers that depend on which machine landed first."""
        with duckdb.connect() as sql:
            return sql.execute(
                "select _key::varchar, _file, _is_repeat, count(*) "
                f"from read_parquet('{self.lake}/{SOURCE}/[0-9]*.parquet') group by all order by all"
            ).fetchall()

    def end_sessions(self) -> None:
        """What a server that starts again does to all sessions."""
        run(
            self._url,
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname = current_database()",
        )

    def check(self, *names: str) -> None:
        """Replicas are equal and add up, and lake and ledger have the same files and records."""
        first, *others = [self.replica(name) for name in names]
        for other in others:
            assert other == first
        for row in first["files"]:
            assert row[4] == row[5] + row[6] + row[7] + row[8], row
        files = {row[1]: 0 for row in first["lake_files"]}
        for row in first["lake_files"]:
            files[row[1]] += row[2]
        present = [path for path in self.lake.glob("*/*/*.parquet*") if path.name != "schema.parquet"]
        assert {str(path.relative_to(self.lake)) for path in present} == files.keys()
        with duckdb.connect() as sql:
            for path, count in files.items():
                assert sql.execute(f"select count(*) from '{self.lake / path}'").fetchall() == [(count,)]
        assert sum(not is_repeat for _, _, is_repeat, _ in self.records()) == sum(row[5] for row in first["files"])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
def machines(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Machines:
    name = re.sub(r"\W", "", request.node.name)[:60]
    run(server, f"create database {name}")
    return Machines(tmp_path, server.replace("/postgres", f"/{name}"))


def test_two_processes_that_are_killed_at_random_land_each_record_once(machines: Machines, tmp_path: Path) -> None:
    chance = random.Random(4)
    killed = 0
    for round_ in range(5):
        for number in range(6):
            machines.put(
                f"{round_}-{number}.json.gz", seed=round_ * 5 + number
            )  # some repeat those of the round before
        (machines.inbox / f"{round_}.txt").write_text("not JSON\n")
        processes = [machines.start(name) for name in ("a", "b")]
        for process in processes:
            assert process.stdout
            process.stdout.readline()
        if round_ < 4:
            time.sleep(chance.uniform(0.1, 1.5))
            if processes[round_ % 2].poll() is None:
                processes[round_ % 2].send_signal(signal.SIGKILL)
                killed += 1
        for process in processes:
            _, errors = process.communicate(timeout=120)
            assert process.returncode in (0, -signal.SIGKILL), errors
    assert killed >= 2
    machines.check("a", "b")

    alone = Machines(tmp_path / "alone", "")
    alone.inbox = machines.inbox
    alone.land("one", ledger_postgres=None)
    assert {key for key, *_ in alone.records()} == {key for key, *_ in machines.records()}
    assert len(machines.records()) == len(alone.records())


def test_no_load_appears_below_a_number_that_a_build_has_read(machines: Machines) -> None:
    """A machine that builds waits for a load that has its number already, and reads it."""
    machines.put("a.json.gz", seed=1)
    machines.land("a")
    a, b = machines.settings("a"), machines.settings("b")
    numbered, released = threading.Event(), threading.Event()
    loads: list[int] = []

    def landing() -> None:
        with Ledger.open(a) as ledger:
            add = ledger.add_lake_file

            def add_slowly(source: str, path: Path, rows: int, number: int) -> None:
                add(source, path, rows, number)
                loads.append(number)
                numbered.set()
                assert released.wait(30)

            ledger.add_lake_file = add_slowly  # type: ignore[method-assign]
            land(machines.stream, a, ledger, lambda text: None)

    machines.put("b.json.gz", seed=2)
    lander = threading.Thread(target=landing)
    lander.start()
    assert numbered.wait(30)
    impatient = machines.settings("b", lock_wait_seconds=0)
    with Ledger.open(impatient) as ledger, pytest.raises(LedgerUnavailable, match="another machine has held commit"):
        ledger.refresh()
    threading.Timer(0.5, released.set).start()
    with Ledger.open(b) as ledger:
        ledger.refresh()
        lander.join()
        number = ledger.builds.start("run", "definitions")
        last = ledger.builds.last()
        assert last and last.landing == loads[0] < number
        machines.put("c.json.gz", seed=3)
        machines.land("a")
        again = ledger.builds.start("run", "definitions")  # one that is repeated has not read what came meanwhile
    with Ledger.open(a) as ledger:
        assert number < again < ledger.last_lake_load_id()


def test_what_a_kill_leaves_after_the_commit_another_machine_finishes(machines: Machines) -> None:
    machines.put("a.json.gz", seed=1)
    settings = machines.settings("a")
    with Ledger.open(settings) as ledger:
        shared = ledger._shared
        assert shared
        push = shared.push

        def killed(source: str) -> None:
            push(source)
            if ledger.last_load_id():
                raise KeyboardInterrupt

        shared.push = killed  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            land(machines.stream, settings, ledger, lambda text: None)
        assert ledger.totals(SOURCE).files == 0
    assert [path.suffix for path in machines.lake.rglob("0*")] == [".unfinished"]
    machines.land("b")
    machines.land("a")
    machines.check("b", "a")


def test_files_are_replaced_while_no_machine_reads_them(machines: Machines) -> None:
    for number in range(20):
        machines.put(f"{number}.json.gz", seed=number, count=3)
        machines.land("ab"[number % 2])
    before = machines.records()
    with reading_lake(machines.settings("b")), Ledger.open(machines.settings("a")) as ledger:
        assert not ledger.may_change()
    with Ledger.open(machines.settings("a")) as ledger:
        assert ledger.may_change()
        assert compact_lake(ledger) > 0
        ledger.push()
    assert machines.records() == before
    machines.check("b", "a")

    settings = machines.settings("b")
    with Ledger.open(settings) as ledger:
        ledger.refresh()
        build = ledger.builds.start("run", "definitions")
    with Ledger.open(machines.settings("a")) as ledger, ledger.changing():
        retract_file(ledger, machines.settings("a"), [machines.stream], f"{SOURCE}/3.json.gz", "wrong")
    with Ledger.open(settings) as ledger:
        ledger.refresh()
        assert ledger.builds.retracted_since(build) == {SOURCE}
        assert ledger.builds.retracted_since(ledger.builds.start("run", "definitions")) == set()
    machines.land("b")
    machines.check("a", "b")


def test_texts_with_nul_and_equal_rows_are_kept_as_they_are(machines: Machines) -> None:
    machines.inbox.mkdir()
    (machines.inbox / "a.json").write_bytes(b'{"event": "del\\u0000ivered", "x": "\xc3\xa9"}\n' * 2)
    machines.land("a")
    found = machines.replica("b")
    assert len(found["quarantine"]) == 2 and found == machines.replica("a")
    with Ledger.open(machines.settings("b")) as ledger:
        ledger.connection.execute(f"update quarantine set text = 'a' || chr(0) || 'b' where source = '{SOURCE}'")
        ledger.connection.execute(
            f"insert into ignored values ('{SOURCE}', 'h', 'k', 1, 1), ('{SOURCE}', 'h', 'k', 1, 1)"
        )
        ledger.push()
    found = machines.replica("a")
    assert {row[6] for row in found["quarantine"]} == {"a\0b"}
    assert len(found["ignored"]) == 2 and found == machines.replica("b")


def test_a_machine_that_is_behind_pushes_nothing(machines: Machines) -> None:
    machines.put("a.json.gz", seed=1)
    machines.land("a")
    with Ledger.open(machines.settings("b")) as ledger:
        ledger.set_landing_failure(SOURCE, "mine alone")
        ledger.record_seen(SOURCE, {})
        ledger.connection.execute(f"insert into refused values ('{SOURCE}', 'x', 'y', null)")
        with pytest.raises(LedgerUnavailable, match="another machine has changed the ledger of mailgun/events"):
            ledger.push()
    assert run(machines._url, "select count(*) from touchstone_ledger.rows where relation = 'failed_landings'") == [
        (0,)
    ]


def test_homes_that_landed_apart_are_not_joined(machines: Machines) -> None:
    machines.put("a.json.gz", seed=1)
    machines.land("a")
    machines.land("b", ledger_postgres=None, lake_location="")
    with pytest.raises(LedgerUnavailable, match="a home of its own that has landed nothing"):
        settings = load_settings(home=machines.home("b"), ledger_postgres=machines._url)
        with Ledger.open(settings) as ledger:
            ledger.refresh()


def test_the_first_machine_brings_its_ledger(machines: Machines) -> None:
    machines.put("a.json.gz", seed=1)
    machines.land("a", ledger_postgres=None)
    machines.put("b.json.gz", seed=2)
    machines.land("a")
    machines.land("b")
    machines.check("a", "b")
    with Ledger.open(machines.settings("b")) as ledger:
        assert ledger.totals(SOURCE).files == 2 and ledger.last_load_id() == 2


def test_a_server_that_is_gone_is_named_without_its_password(machines: Machines) -> None:
    dead = "postgresql://me:s%40cret@127.0.0.1:1/ledger"
    settings = machines.settings("a", ledger_postgres=dead)
    with pytest.raises(LedgerUnavailable, match="correct the setting ledger_postgres") as raised, Ledger.open(settings):
        pass
    assert "cret" not in str(raised.value)
    (found,) = [each for each in examine(settings) if each.subject == "ledger"]
    assert found.level == Level.WRONG and "ledger_postgres" in found.found and "cret" not in found.found
    with pytest.raises(SettingsMistake, match="ledger_postgres") as mistaken:
        load_settings(ledger_postgres="mysql://me:secret@example.com/x")
    assert "secret" not in str(mistaken.value)
    with pytest.raises(SettingsMistake, match="remove one of them"):
        machines.settings("a", keep_records_days=400)


def test_a_session_that_ends_in_a_load_leaves_nothing_of_it(machines: Machines) -> None:
    machines.put("a.json.gz", seed=1)
    settings = machines.settings("a")
    with Ledger.open(settings) as ledger:
        add = ledger.add_lake_file

        def cut(source: str, path: Path, rows: int, number: int) -> None:
            add(source, path, rows, number)
            machines.end_sessions()

        ledger.add_lake_file = cut  # type: ignore[method-assign]
        with pytest.raises(LedgerUnavailable):
            land(machines.stream, settings, ledger, lambda text: None)
    machines.land("b")
    machines.check("b", "a")


def test_a_lost_lock_of_a_reader_is_an_error(machines: Machines) -> None:
    with pytest.raises(LedgerUnavailable), reading_lake(machines.settings("a")):
        machines.end_sessions()
    Shared(machines.settings("a")).close()


@pytest.mark.full
def test_nights_of_two_machines_publish_the_marts_of_one(machines: Machines) -> None:
    machines.settings("a")
    alone = {"TOUCHSTONE_LEDGER_POSTGRES": "", "TOUCHSTONE_LAKE_LOCATION": ""}
    for round_ in range(2):
        for number in range(3):
            machines.put(f"{round_}-{number}.json.gz", seed=round_ * 3 + number)
        nights = [start(machines.home(name), **machines.environment(name)) for name in ("a", "b")]
        for night in nights:
            output, _ = night.communicate(timeout=600)
            assert night.returncode == 0, output
    assert run_command(machines.home("one"), **machines.environment("one") | alone)[0] == 0
    expected = marts(machines.home("one"))
    assert expected["mailgun_metrics_daily"]
    for name in ("a", "b"):
        assert run_command(machines.home(name), **machines.environment(name))[0] == 0
        assert marts(machines.home(name)) == expected
