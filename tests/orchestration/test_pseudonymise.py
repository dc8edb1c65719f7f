"""Retention by age: old records name nobody, and everything counts as if none had become old."""

from __future__ import annotations

import random
import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from touchstone.landing.compact import forget
from touchstone.landing.erase import erase
from touchstone.landing.ledger import write_anew
from touchstone.landing.persons import Person, Persons, create_tokens, read_key
from touchstone.landing.pseudonymise import pseudonymised
from touchstone.landing.records import read_lake
from touchstone.landing.retract import retract_record
from touchstone.sample.__main__ import main as generate
from touchstone.settings import Settings, SettingsMistake

from .conftest import TestHome
from .test_erase import IDS, KEY, MAILS, SOURCES, land_all, left, some_files

Record = dict[str, Any]
# The columns by whose values a record names persons.
NAMES = {
    "mailgun/events": "[recipient]",
    "ses/events": "mail.destination",
    "pinpoint/events": "[client.client_id]",
    "alexa/skill_requests": '[request.context."System"."user"."userId"]',
    "alexa/skill_events": '[context."System"."user"."userId"]',
    "alexa/smart_home_messages": "[user_ref]",
    "alexa/purchases": "[user_id]",
}


def keeping(home: TestHome, before: date | None) -> Settings:
    """The home's settings, by which records of before the first of this date's month are old today."""
    days = (datetime.now(UTC).date() - before).days if before else None
    return Settings(home=home.settings.home, keep_records_days=days)


def persons_of(home: TestHome, until: date) -> list[str]:
    """The persons of whom the lake has records of before a date alone."""
    with home.ledger() as ledger:
        rows = " union all ".join(
            f"select unnest({names}) as name, _date from {read_lake(paths)}"
            for source, names in NAMES.items()
            if (paths := ledger.lake_paths(source, of_batch=False))
        )
        sql = f"select name from ({rows}) where length(name) > 6 group by name having max(_date) < ?"
        return [name for (name,) in ledger.connection.execute(sql, [until]).fetchall()]


def test_tokens_are_those_of_erased_persons(tmp_path: Path) -> None:
    chance = random.Random(3)
    with duckdb.connect() as sql:
        sql.execute("create table erased (person varchar, kind varchar, length integer)")
        create_tokens(sql, KEY)
        persons = Persons(sql, KEY)
        for _ in range(500):
            name = "".join(chance.choice("abcXYZ.+'ö-9") for _ in range(chance.randint(1, 9)))
            stated = chance.choice([name, f"{name}@Example.com", f"{name.lower()}@x.org", f" a@{name}@b.de "])
            core = stated.strip()
            token = stated.replace(core, persons._token("mail" if "@" in core else "id", core))
            assert sql.execute("select person($1), person(person($1))", [stated]).fetchall() == [(token, token)]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.com/sale", "https://example.com/sale"),
        ("https://example.com/?to=ann@example.com", "https://example.com/?TOKEN"),
        ("https://example.com/ann%40example.com?a=1?b", "TOKEN?TOKEN"),
        ("", ""),
        (None, None),
    ],
)
def test_links(address: str | None, shown: str | None) -> None:
    with duckdb.connect() as sql:
        create_tokens(sql, KEY)
        ((once, twice),) = sql.execute("select link($1), link(link($1))", [address]).fetchall()
    assert once == twice
    assert (once and re.sub("erased-[a-p]{24}", "TOKEN", once)) == shown


def sample(inbox: Path, systems: Collection[str]) -> None:
    """The end of February, and the beginning of March."""
    for system in systems:
        size = ["--events", "900" if system == "alexa" else "300", "--days", "4", "--end", "2026-03-03", "--jobs", "1"]
        generate([str(inbox), "--systems", system, *size])


def test_each_record_is_pseudonymised_once(home: TestHome) -> None:
    """What stands in the place of persons stays as it is, and no two records become one."""
    sample(home.settings.inbox, ["mailgun", "ses", "pinpoint", "connect", "alexa"])
    home.land()
    with home.ledger() as ledger:
        create_tokens(ledger.connection, KEY)
        for stream in home.streams.values():
            if not (stream.persons or stream.personal):
                continue
            paths = ledger.lake_paths(stream.source, of_batch=False)
            once = f"({pseudonymised(stream, read_lake(paths), date.max)})"
            twice = f"({pseudonymised(stream, once, date.max)})"
            assert ledger.connection.execute(f"select count(*) from ({once} except all {twice})").fetchall() == [(0,)]
            counts = [
                ledger.connection.execute(f"select count(*), count(distinct _key) from {rows}").fetchall()
                for rows in (read_lake(paths), once)
            ]
            assert counts[0] == counts[1] != [(0, 0)], stream.source


def counts(home: TestHome) -> dict[str, Any]:
    """Numbers that don't depend on what is old: versions of a record that differ in what names persons are one then."""
    with home.ledger() as ledger:
        found = {}
        for source in SOURCES:
            assert ledger.files_that_do_not_add_up(source) == []
            if paths := ledger.lake_paths(source, of_batch=False):
                sql = (
                    "select _at, _kind, count(distinct _key), sum(count(*) filter (not _is_repeat)) over () "
                    f"from {read_lake(paths)} group by all order by all"
                )
                found[source] = ledger.connection.execute(sql).fetchall()
        for sql in (
            "select source, path, records, accepted, duplicates, quarantined, ignored from files order by all",
            "select source, closed_as, count(*) from quarantine group by all order by all",
        ):
            found[sql] = ledger.connection.execute(sql).fetchall()
        return found


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 60))])
def test_age_makes_no_difference(seed: int, home: TestHome) -> None:
    """Random files in random nights, beside the same where it is switched on in one of them, and some are erased."""
    key = home.settings.lake / "persons.key"
    files = some_files(random.Random(seed))
    persons = random.Random(seed).sample([*MAILS, *IDS], 2)
    found = []
    for is_on in (False, True):
        home.reset()
        key.write_text(KEY)
        chance = random.Random(seed)
        begin, out = chance.randrange(len(files)), chance.randrange(len(files))
        for number, (source, name, content) in enumerate(files):
            home.put(source, name, content)
            before = date(2026, 3, 1) if number < chance.randrange(len(files)) else date(2026, 4, 1)
            old = before if is_on and number >= begin else None
            if chance.random() < 0.5:
                land_all(home, keeping(home, old))
            if number == out:
                erase(home.settings, home.streams.values(), [*map(Person.named, persons)])
        land_all(home, keeping(home, date(2026, 4, 1) if is_on else None))
        found.append(counts(home))
        if is_on:
            assert left_in_lake(home, [*MAILS, *IDS]) == []
    assert found[0] == found[1]


def left_in_lake(home: TestHome, names: Collection[str]) -> list[str]:
    """What names persons in columns of the lake, but for tags and file names, which may be anything."""
    found = []
    with home.ledger() as ledger:
        for source in SOURCES:
            for path in ledger.lake_paths(source, of_batch=False):
                columns = ledger.connection.execute(f"describe from {read_lake([path])}").fetchall()
                skipped = [name for name, *_ in columns if name in ("tags", "_file", "filename", "_kind")]
                rows = f"select * exclude ({', '.join(skipped)}) from {read_lake([path])}"
                if source == "ses/events":
                    rows = f"select * replace (struct_update(mail, tags := null) as mail) from ({rows})"
                for (text,) in ledger.connection.execute(
                    f"select lower(cast(r as varchar)) from ({rows}) as r"
                ).fetchall():
                    found += [f"{source}: {name} in {text}" for name in names if name.lower() in text]
    return found


def check_marts(home: TestHome, seed: int, nights: int, systems: Collection[str], *chosen: str) -> None:
    """Marts of nights between which records become old, beside those of a home that keeps all."""
    chance = random.Random(seed)
    sample(home.settings.inbox, systems)
    home.land()
    old = persons_of(home, date(2026, 3, 1))
    home.build(*chosen, is_pseudonymised="")
    expected = home.marts()
    files = sorted(path for path in home.settings.inbox.rglob("*") if path.is_file())
    content = {path: path.read_bytes() for path in files}
    home.reset()
    chance.shuffle(files)
    for night in range(nights):
        for path in files[night::nights]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content[path])
        settings = keeping(home, date(2026, 3, 1) if night else date(2026, 2, 1))
        home.land(settings)
        with duckdb.connect(str(home.settings.warehouse / "internal.duckdb")) as internal:
            create_tokens(internal, read_key(home.settings.lake), kind="macro")
        home.build(*chosen, is_pseudonymised="true")
    marts = home.marts()
    assert len(marts) >= 6
    assert [name for name in marts if marts[name] != expected[name]] == []
    with home.ledger() as ledger:
        forget(ledger, settings, datetime.now(UTC) + timedelta(days=400))
    write_anew(home.settings.ledger)
    assert len(old) > 2
    assert left(home.settings.home, old, is_fast=True) == []


@pytest.mark.parametrize("system", ["mailgun", "alexa"])
def test_no_mart_changes(system: str, home: TestHome) -> None:
    check_marts(home, 1, 2, [system], "--select", f"+path:models/marts/{system}")


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2, 5))
def test_no_mart_of_all_systems_changes(seed: int, home: TestHome) -> None:
    check_marts(home, seed, 4, ["mailgun", "ses", "pinpoint", "connect", "alexa"])


def test_what_was_retracted_stays_out(home: TestHome) -> None:
    """Whether the record was new or old when it was retracted, and is when it comes again."""
    records: list[Record] = [
        {
            "at": f"2026-0{month}-10T00:00:00Z",
            "skill_id": "skill",
            "event": "renewed",
            "event_id": f"{month}{number}",
            "user_id": IDS[0],
        }
        for month in (2, 3)
        for number in range(3)
    ]

    def retract(event: str) -> None:
        with home.ledger() as ledger:
            lake = read_lake(ledger.lake_paths("alexa/purchases", of_batch=False))
            rows = ledger.connection.execute(f"select _record_id from {lake} where event_id = ?", [event]).fetchall()
            retract_record(ledger, home.streams.values(), rows[0][0], "a test")

    home.put("alexa/purchases", "a.json", records)
    land_all(home, keeping(home, None))
    retract("20")
    retract("30")
    land_all(home, keeping(home, date(2026, 3, 1)))
    retract("21")
    retract("31")
    home.put("alexa/purchases", "b.json", [{**record, "new": 1} for record in records])
    land_all(home, keeping(home, date(2026, 3, 1)))
    home.put("alexa/purchases", "c.json", [{**record, "new": 2} for record in records])
    land_all(home, keeping(home, date(2026, 4, 1)))
    with home.ledger() as ledger:
        lake = read_lake(ledger.lake_paths("alexa/purchases", of_batch=False))
        assert ledger.connection.execute(f"select event_id from {lake} order by 1").fetchall() == [("22",), ("32",)]


def test_it_can_not_be_switched_off(home: TestHome) -> None:
    home.put("alexa/purchases", "a.json", [])
    land_all(home, keeping(home, date(2026, 3, 1)))
    with pytest.raises(SettingsMistake, match=r"keep_records_days is not set, and records of before 2026-03-01"):
        land_all(home, keeping(home, None))
    land_all(home, keeping(home, date(2020, 1, 1)))
    assert home.ledger_rows("select distinct before from pseudonymised") == [(date(2026, 3, 1),)]


def test_texts_of_the_quarantine_go(home: TestHome) -> None:
    """Its records stay open: their files can be corrected."""
    home.put("alexa/purchases", "a.json", b'{"user_id": "ann", broken\n')
    home.land()
    for days, text in ((9, b'{"user_id": "ann", broken'), (11, b"")):
        with home.ledger() as ledger:
            now = datetime.now(UTC) + timedelta(days=days)
            forget(ledger, Settings(home=home.settings.home, keep_records_days=10), now)
        rows = home.ledger_rows("select text, closed_at from quarantine")
        assert rows == [(text.decode(), None)]
