"""Retractions: lake, ledger and marts are then as if the file or record had never landed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from touchstone.landing.land import land
from touchstone.landing.retract import CannotRetract, Retracted, retract_file, retract_record, undo
from touchstone.manifest import project
from touchstone.plan import plan
from touchstone.systems import sources_of

from .conftest import TestHome

SOURCE = "mailgun/events"
Record = dict[str, Any]
_LAKE = "read_parquet({!r}, union_by_name = true)"


def event(number: int, **fields: Any) -> Record:
    at = 1770000000 + 600 * number
    return {
        "event": "opened",
        "id": f"id{number}",
        "timestamp": at,
        "domain": "d.example",
        "recipient": "a@b.c",
        **fields,
    }


def lines(*records: Record) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def land_one(home: TestHome) -> None:
    with home.ledger() as ledger:
        land(home.streams[SOURCE], home.settings, ledger, lambda text: None)


def retract(home: TestHome, name: str, anyway: bool = False) -> Retracted:
    with home.ledger() as ledger:
        return retract_file(ledger, home.settings, home.streams.values(), name, "a test", anyway)


def facts(home: TestHome) -> list[tuple[Any, ...]]:
    """The facts in the lake, without file and load."""
    with home.ledger() as ledger:
        paths = ledger.lake_paths(SOURCE, of_batch=False)
        columns = ", ".join(f'"{name}"' for name in home.streams[SOURCE].columns)
        sql = f"select _key, {columns} from read_parquet({paths!r}, union_by_name = true) order by all"
        rows = list(ledger.connection.execute(sql).fetchall()) if paths else []
        wrong = f"select _key from read_parquet({paths!r}) group by _key having count(*) filter (not _is_repeat) <> 1"
        assert not paths or ledger.connection.execute(wrong).fetchall() == []
        assert ledger.files_that_do_not_add_up(SOURCE) == []
        assert ledger.connection.execute("select * from obsolete_files").fetchall() == []
    on_disk = sorted(str(path) for path in (home.settings.lake / SOURCE).glob("0*.parquet"))
    assert on_disk == sorted(paths)
    return rows


def totals(home: TestHome) -> dict[str, list[tuple[Any, ...]]]:
    queries = {
        "paths": "select path, records from files order by all",
        "quarantine": "select path, line, reason from quarantine order by all",
        "ignored": "select kind, sum(records) from ignored group by kind order by kind",
        "hours": "select sum(records) from record_hours",
    }
    with home.ledger() as ledger:
        found = {name: ledger.connection.execute(sql).fetchall() for name, sql in queries.items()}
        return found | {"files": [(ledger.totals(SOURCE),)]}


def some_files(chance: random.Random) -> dict[str, bytes]:
    """Files with repeats of each other, other versions of a fact, parse errors and ignored records."""

    def record() -> Record:
        number = chance.randrange(8)
        return event(number, recipient=chance.choice(["a@b.c", "a@b.c", "x@y.z"]))

    def line() -> bytes:
        return chance.choice([lines(record())] * 8 + [lines({**record(), "event": "list_uploaded"}), b'{"event": \n'])

    return {f"{chance.random():.6f}": b"".join(line() for _ in range(chance.randint(1, 6))) for _ in range(5)}


@pytest.mark.parametrize("seed", range(12))
def test_a_retracted_file_leaves_nothing(seed: int, home: TestHome) -> None:
    chance = random.Random(seed)
    files = some_files(chance)
    out = chance.choice(list(files))
    for name, content in files.items():
        home.put(SOURCE, name, content)
        if chance.random() < 0.6:
            land_one(home)
    land_one(home)
    retract(home, f"{SOURCE}/{out}")
    land_one(home)
    land_one(home)  # it stays out
    got = facts(home), totals(home)
    home.reset()
    for name, content in files.items():
        if name != out and content != files[out]:
            home.put(SOURCE, name, content)
    land_one(home)
    assert got == (facts(home), totals(home))


def test_files_that_may_repeat_it_have_to_exist(home: TestHome) -> None:
    home.put(SOURCE, "a", lines(event(1), event(2)))
    land_one(home)
    other = home.put(SOURCE, "b", lines(event(2), event(3)))
    land_one(home)
    content = other.read_bytes()
    other.unlink()
    before = facts(home), totals(home)
    with pytest.raises(CannotRetract, match=r"1 files of mailgun/events may repeat .* b\. Put them back"):
        retract(home, f"{SOURCE}/a")
    assert (facts(home), totals(home)) == before
    assert retract(home, f"{SOURCE}/a", anyway=True).lost == ["b"]
    assert len(facts(home)) == 1
    with home.ledger() as ledger:
        assert undo(ledger, f"{SOURCE}/a") == 1
        assert undo(ledger, f"{SOURCE}/a") == 0
    other.write_bytes(content)
    land_one(home)
    assert len(facts(home)) == 3


def test_nothing_is_retracted_that_has_not_landed(home: TestHome) -> None:
    with pytest.raises(CannotRetract, match="nonesuch has not landed"):
        retract(home, "nonesuch")
    with home.ledger() as ledger, pytest.raises(CannotRetract, match="no landed record"):
        retract_record(ledger, home.streams.values(), 7, "a test")


def test_a_content_is_retracted_by_its_hash_and_a_path_with_all_its_contents(home: TestHome) -> None:
    for content in (lines(event(1)), lines(event(2)), lines(event(3))):
        home.put(SOURCE, "log", content)
        land_one(home)
    ((hash_,),) = home.ledger_rows("select content_hash from files where landing = (select min(landing) from files)")
    assert retract(home, hash_).records == 1
    assert len(facts(home)) == 2
    assert retract(home, f"{SOURCE}/log").records == 2
    assert facts(home) == []
    assert home.ledger_rows("select path, why, undone_at from retractions") == [("log", "a test", None)] * 3


def test_a_retracted_record_does_not_land_again_and_keeps_its_other_versions(home: TestHome) -> None:
    wrong, right = event(1, recipient="wrong@b.c"), event(1, recipient="right@b.c")
    home.put(SOURCE, "a", lines(wrong, event(2)))
    home.put(SOURCE, "b", lines(right))
    land_one(home)
    (path,) = (home.settings.lake / SOURCE).glob("0*.parquet")
    ((record_id,),) = home.ledger_rows(f"select _record_id from '{path}' where recipient = 'wrong@b.c'")
    with home.ledger() as ledger:
        assert retract_record(ledger, home.streams.values(), record_id, "a test").records == 1
    assert len(facts(home)) == 2
    home.put(SOURCE, "c", lines(wrong, event(3)))
    land_one(home)
    assert len(facts(home)) == 3
    counts = "select path, records, accepted, duplicates, ignored from files order by path"
    assert home.ledger_rows(counts) == [("a", 2, 1, 0, 1), ("b", 1, 1, 0, 0), ("c", 2, 1, 0, 1)]
    assert home.ledger_rows("select distinct kind from ignored") == [("retracted",)]
    with home.ledger() as ledger:
        assert undo(ledger, "1") == 1
    home.put(SOURCE, "d", lines(wrong))
    land_one(home)
    assert len(facts(home)) == 4


def test_a_quarantined_record_that_a_retracted_file_closed_is_open_again(home: TestHome) -> None:
    home.put(SOURCE, "a", lines(event(1, flags="wrong")))
    land_one(home)
    home.put(SOURCE, "b", lines(event(1)))
    land_one(home)
    assert home.ledger_rows("select closed_as from quarantine") == [("landed",)]
    retract(home, f"{SOURCE}/b")
    assert home.ledger_rows("select closed_as from quarantine") == [(None,)]


def test_replayed_records_are_retracted_with_their_file(home: TestHome, tmp_path: Path) -> None:
    home.put(SOURCE, "a", lines(event(1), event(2, event="nonesuch")))
    land_one(home)
    with home.ledger() as ledger:
        ledger.connection.execute("update quarantine set text = replace(text, 'nonesuch', 'clicked')")
    assert home.replay() == 1
    assert len(facts(home)) == 2
    assert retract(home, f"{SOURCE}/a").records == 2
    assert facts(home) == []


def test_a_killed_retraction_is_finished_by_the_next_run(home: TestHome) -> None:
    home.put(SOURCE, "a", lines(event(1)))
    home.put(SOURCE, "b", lines(event(2)))
    land_one(home)
    retract(home, f"{SOURCE}/a")
    after = facts(home)
    (path,) = (home.settings.lake / SOURCE).glob("0*.parquet")
    # as it is after the ledger's commit, before the files have moved
    path.rename(path.with_name(path.name + ".unfinished"))
    old = home.settings.lake / SOURCE / "00000001.parquet"
    old.write_bytes(b"")
    home.ledger_rows(f"insert into obsolete_files values ('{SOURCE}/00000001.parquet')")
    assert facts(home) == after


def test_its_systems_need_a_full_refresh_and_the_others_are_excluded(home: TestHome) -> None:
    manifest = project(home.settings)
    assert "cloudwatch/metric_stream" in sources_of(manifest)["ses"]
    home.put(SOURCE, "a", lines(event(1)))
    home.put(SOURCE, "b", lines(event(2)))
    land_one(home)
    for name in ("touchstone.duckdb", "internal.duckdb"):
        (home.settings.warehouse / name).touch()
    with home.ledger() as ledger:
        ledger.builds.start("run", "definitions")
        ledger.builds.finish({})
        ledger.builds.mark_published()
        assert plan(ledger, home.settings, manifest, "definitions", only_what_is_new=True) is None
    retract(home, f"{SOURCE}/a")
    with home.ledger() as ledger:
        planned = plan(ledger, home.settings, manifest, "definitions", only_what_is_new=True)
        assert planned is not None
        assert planned.full_refresh == {"mailgun"}
        assert planned.published == {"mailgun": 0}, "of the others nothing has ever landed"
        assert {"ses", "alexa", "pinpoint", "cloudwatch"} == {
            node["group"] for node in planned.excluded if node["name"].endswith("_metrics_daily")
        } - {"catalog"}
        ledger.builds.start("run", "definitions")
        ledger.builds.finish({})
        ledger.builds.mark_published()
        assert plan(ledger, home.settings, manifest, "definitions", only_what_is_new=True) is None
