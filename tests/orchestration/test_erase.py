"""Erasures: no byte of a person is left in the home, and everything counts as if nobody had been erased."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from touchstone.landing import erase as erasing
from touchstone.landing.erase import Erased, erase, persons_in
from touchstone.landing.land import land
from touchstone.landing.ledger import Ledger
from touchstone.landing.persons import CannotErase, ErasureUnfinished, Person, Persons
from touchstone.landing.records import read_lake
from touchstone.landing.retract import retract_file, retract_record, undo
from touchstone.sample.__main__ import main as generate
from touchstone.settings import Settings

from .commands import run
from .conftest import TestHome
from .events import some_events

Record = dict[str, Any]
KEY = "0123456789abcdef" * 4
MAILS = [f"{name}@example.{end}" for name in ("ann.lee", "bob+news", "o'neil", "jörg") for end in ("com", "org")]
PHONES = ["+15550100234", "+49 30 901820-11"]
IDS = [f"amzn1.ask.account.{letter * 12}" for letter in "ABCD"] + ["auth0|5f7c8ec7c33c6c004bbafe82"]
SOURCES = ("mailgun/events", "ses/events", "connect/contact_events", "alexa/purchases")


def mailgun(chance: random.Random, number: int) -> Record:
    mail = chance.choice(MAILS)
    (event,) = some_events(seed=chance.randrange(200), count=1)[:1]
    return {
        **event,
        "id": chance.choice([f"id{number % 7}", None]),
        "recipient": chance.choice([mail, mail, mail.upper(), f" {mail}"]),
        "url": chance.choice([None, f"https://example.com/?to={quote(mail)}&x=1", f"https://example.com/{mail}"]),
        "user-variables": chance.choice([None, {"to": mail, "user": chance.choice(IDS)}, {"n": 15550100234}]),
        "ip": "192.0.2.7",
        "tags": chance.choice([["news"], [f"to:{mail}"], [mail]]),
        f"to:{mail}": 1,
    }


def ses(chance: random.Random, number: int) -> Record:
    at = f"2026-03-{1 + number % 5:02}T0{number % 10}:00:00.000Z"
    of_message = random.Random(number % 6)  # every event of a message states its recipients and tags
    to = of_message.sample(MAILS, 2)
    mail = {
        "messageId": f"m{number % 6}",
        "timestamp": at,
        "destination": to,
        "headers": [{"name": "To", "value": f"Ann <{to[0]}>"}, {"name": "X-Tier", "value": "free"}],
        "tags": {"user": [of_message.choice(IDS)]},
    }
    return chance.choice(
        [
            {"eventType": "Send", "mail": mail, "send": {}},
            {"eventType": "Open", "mail": mail, "open": {"timestamp": at, "ipAddress": "192.0.2.9", "userAgent": "M"}},
            {
                "eventType": "Bounce",
                "mail": mail,
                "bounce": {
                    "bounceType": "Permanent",
                    "timestamp": at,
                    "bouncedRecipients": [{"emailAddress": to[0], "diagnosticCode": f"550 <{to[0]}> unknown"}],
                },
            },
        ]
    )


def connect(chance: random.Random, number: int) -> Record:
    detail = {
        "eventType": chance.choice(["INITIATED", "DISCONNECTED", "TELEPORTED"]),
        "contactId": f"c{number % 9}",
        "customerEndpoint": {"type": "TELEPHONE_NUMBER", "address": chance.choice(PHONES)},
    }
    at = f"2026-03-01T0{number % 10}:00:00Z"
    return {"detail-type": "Amazon Connect Contact Event", "time": at, "detail": detail}


def alexa(chance: random.Random, number: int) -> Record:
    return {
        "at": f"2026-03-01T0{number % 10}:00:00Z",
        "skill_id": "skill",
        "event": chance.choice(["offer_made", "renewed", "unheard of"]),
        "event_id": f"e{number % 8}",
        "user_id": chance.choice([*IDS, *MAILS[:2]]),
    }


def some_files(chance: random.Random) -> list[tuple[str, str, bytes]]:
    """Files with repeats, other versions of a fact, and records that can't be landed; some are named after persons."""
    made = []
    for number in range(14):
        source = chance.choice(SOURCES)
        maker = dict(zip(SOURCES, (mailgun, ses, connect, alexa), strict=True))[source]
        lines = [json.dumps(maker(chance, chance.randrange(12))) for _ in range(chance.randint(1, 8))]
        if chance.random() < 0.4:
            lines.append(f'{{"recipient": "{chance.choice(MAILS)}", "broken')
        if made and chance.random() < 0.3:
            lines += chance.choice(made)[2].decode().splitlines()
        name = f"{number}/{chance.choice(MAILS)}" if chance.random() < 0.3 else f"{number}.json"
        made.append((source, name, "".join(f"{line}\n" for line in lines).encode()))
    return made


def land_all(home: TestHome, settings: Settings | None = None) -> None:
    with home.ledger() as ledger:
        for source in SOURCES:
            land(home.streams[source], settings or home.settings, ledger, lambda text: None)


def erase_all(home: TestHome, names: list[str]) -> Erased:
    return erase(home.settings, home.streams.values(), [*map(Person.named, names)])


def state(home: TestHome) -> dict[str, list[tuple[Any, ...]]]:
    """Records of the lake without load and place, and what the ledger says of files and records.

    Which of the versions of a fact in one file is the first is left open, and so are the hours of facts.
    """
    found = {}
    with home.ledger() as ledger:
        for source in SOURCES:
            if paths := ledger.lake_paths(source, of_batch=False):
                records = (
                    "select * exclude (_record_id, _landing, _is_repeat) "
                    f"from read_parquet({paths!r}, union_by_name = true)"
                )
                sql = f"select cast(r as varchar) from ({records}) as r order by 1"
                found[source] = ledger.connection.execute(sql).fetchall()
        for name, sql in {
            "files": "select source, path, records, accepted, duplicates, quarantined, ignored from files",
            "quarantine": "select source, path, line, text, reason, closed_as from quarantine",
            "fields": "select source, field, sum(records) from unknown_fields group by all",
            "seen": "select source, path from seen",
        }.items():
            found[name] = ledger.connection.execute(f"{sql} order by all").fetchall()
    return found


def counts(home: TestHome) -> dict[str, Any]:
    """Numbers that no erasure may change."""
    with home.ledger() as ledger:
        lake = {
            source: ledger.connection.execute(
                "select count(*), count(distinct _key), count(*) filter (_is_repeat), list_sort(list(_at)) "
                f"from read_parquet({paths!r})"
            ).fetchall()
            for source in SOURCES
            if (paths := ledger.lake_paths(source, of_batch=False))
        }
        for source in SOURCES:
            assert ledger.files_that_do_not_add_up(source) == []
        sql = "select source, records, accepted, duplicates, quarantined, ignored from files order by all"
        closed = "select source, closed_as, count(*) from quarantine group by all order by all"
        return {**lake, **{name: ledger.connection.execute(name).fetchall() for name in (sql, closed)}}


def texts(path: Path) -> Iterator[bytes]:
    """The bytes of a file as it is, and of its values uncompressed."""
    content = path.read_bytes()
    yield content
    if content.startswith(b"PAR1"):
        rows = duckdb.sql(f"select cast(r as varchar) from read_parquet('{path}') as r").fetchall()
        yield from (row.encode() for (row,) in rows)
    elif content[8:12] == b"DUCK":
        with duckdb.connect(str(path), read_only=True) as connection:
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                rows = connection.execute(f'select cast(r as varchar) from "{schema}"."{table}" as r').fetchall()
                yield from (row.encode() for (row,) in rows)
    elif content.startswith(b"SQLite"):
        connection = sqlite3.connect(path)
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            yield from (repr(row).encode() for row in connection.execute(f'select * from "{table}"'))
        connection.close()


def left(home: Path, names: list[str], is_fast: bool = False) -> list[str]:
    """What there is outside of the inbox of any of the names, in whatever case or spelling: file and text around it."""
    spellings = {spelled for name in names for spelled in (name, quote(name))}
    sought = re.compile("|".join(map(re.escape, spellings)), re.IGNORECASE)
    found = []
    for folder, folders, files in os.walk(home):
        if Path(folder) == home:
            folders[:] = {*folders} - {"inbox", "published", "skeleton", "dbt" if is_fast else ""}
        for path in (Path(folder, name) for name in files):
            for text in (text.decode(errors="replace") for text in texts(path)):
                if match := sought.search(text):
                    found.append(f"{path.name}: {text[max(0, match.start() - 80) : match.end() + 20]!r}")
    return found


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 60))])
def test_when_somebody_is_erased_makes_no_difference(seed: int, home: TestHome) -> None:
    chance = random.Random(seed)
    files = some_files(chance)
    persons = chance.sample([*MAILS, *PHONES, *IDS], 4)
    key = home.settings.lake / "persons.key"
    key.write_text(KEY)
    out: list[str] = []
    for number, (source, name, content) in enumerate(files):
        home.put(source, name, content)
        if chance.random() < 0.5:
            land_all(home)
        if chance.random() < 0.3 and persons[len(out) :]:
            out.append(persons[len(out)])
            erase_all(home, out[-1:])
            assert left(home.settings.home, out, is_fast=True) == [], number
    land_all(home)
    erase_all(home, persons)
    land_all(home)
    assert left(home.settings.home, persons) == []
    between, numbers = state(home), counts(home)
    home.reset()
    key.write_text(KEY)
    # the same nights, of nobody who was erased until the last
    chance = random.Random(seed)
    files = some_files(chance)
    chance.sample([*MAILS, *PHONES, *IDS], 4)
    done = 0
    for source, name, content in files:
        home.put(source, name, content)
        if chance.random() < 0.5:
            land_all(home)
        if chance.random() < 0.3 and done < len(persons):
            done += 1
    land_all(home)
    before = counts(home)
    erase_all(home, persons)
    assert counts(home) == before == numbers
    assert state(home) == between


@pytest.mark.parametrize("is_old", [False, True])
def test_of_the_variables_of_a_user_dimensions_stay(is_old: bool, home: TestHome) -> None:
    """Of a person who is erased, before and after the record lands, and of an old record; as text, whatever it was."""
    stated: list[Any] = [
        {"plan": "pro", "paid tier": 2, "name": "Ann"},
        '{"plan": {"name": "Ann"}, "paid tier": "ann.lee@example.com"}',
        "Could not load user-variables",
        [],
    ]
    variables = {"mailgun_dimensions": ["plan", "paid tier"]}
    settings = Settings(home=home.settings.home, variables=variables, keep_records_days=1 if is_old else None)
    for night in range(2):
        records = [
            {
                "event": "delivered",
                "id": f"{night}{number}",
                "timestamp": 1750871991,
                "domain": {"name": "a.example"},
                "recipient": "ann.lee@example.com",
                "user-variables": variables,
            }
            for number, variables in enumerate(stated)
        ]
        home.put("mailgun/events", f"{night}.json", records)
        with Ledger.open(settings) as ledger:
            land(home.streams["mailgun/events"], settings, ledger, lambda text: None)
        if night == 0:
            erase(settings, home.streams.values(), [Person.named("ann.lee@example.com")])
    with home.ledger() as ledger:
        lake = read_lake(ledger.lake_paths("mailgun/events", of_batch=False))
        rows = ledger.connection.execute(
            f"""select cast("user-variables" as varchar) from {lake} order by id[2:], id"""
        ).fetchall()
    kept = [re.sub("erased-[a-p]{24}", "TOKEN", text) for (text,) in rows]
    assert (
        kept[:4:2] == kept[1:4:2] == ['{"plan":"pro","paid tier":"2"}', '{"plan":null,"paid tier":"TOKEN@example.com"}']
    )
    assert {*kept[4:]} == {'{"plan":null,"paid tier":null}'}


def sample(inbox: Path) -> None:
    for systems, count in (("mailgun,ses,pinpoint,connect", "300"), ("alexa", "900")):
        size = ["--events", count, "--days", "3", "--end", "2026-03-15", "--jobs", "1"]
        generate([str(inbox), "--systems", systems, *size])


def persons_of(home: TestHome, chance: random.Random, count: int) -> list[str]:
    """Some persons of each system, as the lake has them."""
    found = []
    with home.ledger() as ledger:
        for source, column in {
            "mailgun/events": "recipient",
            "ses/events": "unnest(mail.destination)",
            "pinpoint/events": "client.client_id",
            "alexa/skill_requests": 'request.context."System"."user"."userId"',
            "alexa/smart_home_messages": "user_ref",
            "alexa/purchases": "user_id",
        }.items():
            lake = f"read_parquet({ledger.lake_paths(source, of_batch=False)!r}, union_by_name = true)"
            rows = ledger.connection.execute(f"select distinct trim({column}) from {lake} order by 1").fetchall()
            found += chance.sample([name for (name,) in rows if name and len(name) > 6], count)
    return found


def check_marts(home: TestHome, seed: int, nights: int, count: int) -> None:
    """Marts of nights between which persons are erased, beside those of a home in which nobody was."""
    chance = random.Random(seed)
    sample(home.settings.inbox)
    home.land()
    home.build()
    expected = home.marts()
    files = sorted(path for path in home.settings.inbox.rglob("*") if path.is_file())
    content = {path: path.read_bytes() for path in files}
    home.reset()
    chance.shuffle(files)
    erased: list[str] = []
    for night in range(nights):
        for path in files[night::nights]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content[path])
        home.land()
        if night and nights > 2:
            home.build()
        new = persons_of(home, chance, count)
        found = erase(home.settings, home.streams.values(), [*map(Person.named, new)])
        erased += new
        assert sum(found.records.values()) >= len(new)
        assert left(home.settings.home, erased, is_fast=True) == []
    again = chance.choice([path for path in files if path.suffix == ".gz"])
    again.with_name(f"again-{again.name}").write_bytes(again.read_bytes()[:-4])  # of other content, and cut
    home.land()
    home.build()
    assert left(home.settings.home, erased) == []
    marts = home.marts()
    assert [name for name in marts if marts[name] != expected[name]] == []


def test_no_mart_changes(home: TestHome) -> None:
    check_marts(home, seed=1, nights=2, count=1)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2, 6))
def test_no_mart_changes_at_full_size(seed: int, home: TestHome) -> None:
    check_marts(home, seed, nights=4, count=4)


def test_a_whole_home(tmp_path: Path) -> None:
    """A person whom a file, a tag and logs name: nothing is left after the night that follows."""
    mail = "ann.lee@example.com"
    folder = tmp_path / "inbox" / "mailgun" / "events" / mail
    folder.mkdir(parents=True)
    events = [{**event, "tags": [mail]} for event in some_events(seed=1, count=60)]
    (folder / "a.json").write_text("".join(json.dumps(event) + "\n" for event in events) + "{broken\n")

    def touchstone(*arguments: str) -> str:
        code, output = run(tmp_path, *arguments, TOUCHSTONE_SYSTEMS='["mailgun"]')
        assert code == 0, output
        return output

    def totals() -> list[tuple[Any, ...]]:
        with duckdb.connect(str((tmp_path / "published" / "touchstone.duckdb").resolve()), read_only=True) as marts:
            return marts.execute("select * from mailgun_metrics_daily order by all").fetchall()

    touchstone("nightly")
    before = totals()
    with (tmp_path / "dbt" / "logs" / "dbt.log").open("a") as log:
        log.write(f"could not cast {mail.upper()}\n")
    histories = [*(tmp_path / "dagster").rglob("*.db")]
    assert any(mail.encode() in path.read_bytes() for path in histories)
    told = touchstone("erase", "--person", mail)
    assert "ledger, table quarantine" in told
    assert "The present release names them" in told
    assert f"mailgun/events/{mail}/a.json: names them, and is yours to change" in told
    assert {Path(found.split(":")[0]).name for found in left(tmp_path, [mail])} <= {
        path.name for path in (tmp_path / "releases").rglob("*")
    }
    touchstone("nightly")
    assert left(tmp_path, [mail]) == []
    assert totals() == before
    assert len([*(tmp_path / "releases").iterdir()]) == 1
    (tmp_path / "inbox" / "mailgun" / "events" / "again.json").write_bytes((folder / "a.json").read_bytes() + b"\n")
    touchstone("nightly")
    assert left(tmp_path, [mail]) == []
    assert totals() == before


def test_an_erasure_that_was_cut_off_is_finished(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home.put("alexa/purchases", "a.json", [alexa(random.Random(number), number) for number in range(9)])
    land_all(home)
    with monkeypatch.context() as cut:
        cut.setattr(erasing, "_erase_values", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase_all(home, IDS)
    with pytest.raises(ErasureUnfinished, match="run `make erase`"):
        land_all(home)
    erase_all(home, [])
    assert left(home.settings.home, IDS, is_fast=True) == []
    land_all(home)
    with pytest.raises(CannotErase, match="name a person"):
        erase_all(home, [])
    (home.settings.lake / "persons.key").unlink()
    with pytest.raises(ErasureUnfinished, match=r"persons.key is gone.*put it back from a backup"):
        land_all(home)


def test_what_was_retracted_stays_out(home: TestHome) -> None:
    """A record by what it said before the erasure or says after it, a file by its content."""
    records = [{**alexa(random.Random(0), number), "event": "renewed", "user_id": IDS[0]} for number in range(4)]
    home.put("alexa/purchases", f"{IDS[0]}/a.json", records[:3])
    home.put("alexa/purchases", "b.json", records[3:])
    land_all(home)

    def version(number: int) -> int:
        with home.ledger() as ledger:
            (path,) = {*ledger.lake_paths("alexa/purchases", of_batch=False)}
            sql = f"select _record_id from '{path}' where event_id = 'e{number}'"
            return int(ledger.connection.execute(sql).fetchall()[0][0])

    def retract(number: int) -> None:
        id_ = version(number)
        with home.ledger() as ledger:
            retract_record(ledger, home.streams.values(), id_, "a test")

    retract(0)
    erase_all(home, [IDS[0]])
    retract(1)
    with home.ledger() as ledger:
        retract_file(ledger, home.settings, home.streams.values(), "alexa/purchases/b.json", "a test")
    home.put("alexa/purchases", "c.json", [{**record, "new": 1} for record in records[:3]])
    home.put("alexa/purchases", "d.json", records[3:])
    land_all(home)
    with home.ledger() as ledger:
        paths = ledger.lake_paths("alexa/purchases", of_batch=False)
        rows = ledger.connection.execute(f"select event_id from read_parquet({paths!r})").fetchall()
        assert rows == [("e2",)]
        assert undo(ledger, "alexa/purchases/b.json") == 1


@pytest.mark.parametrize(
    ("name", "kind", "normal"),
    [
        (" Ann.Lee@Example.com ", "mail", "ann.lee@example.com"),
        ("+1 (555) 010-0234", "phone", "15550100234"),
        ("0049 30 901820-11", "phone", "493090182011"),
        ("123456789", "id", "123456789"),
        ("amzn1.ask.account.X", "id", "amzn1.ask.account.X"),
    ],
)
def test_what_identifies_a_person(name: str, kind: str, normal: str) -> None:
    assert Person.named(name) == Person(kind, normal)


def test_a_list_of_persons(tmp_path: Path) -> None:
    file = tmp_path / "persons"
    file.write_text("# asked for in March\nann@example.com\n\n+15550100234\n")
    assert persons_in(file) == [Person("mail", "ann@example.com"), Person("phone", "15550100234")]
    file.write_text("ann@example.com\nann\n")
    with pytest.raises(CannotErase, match=r"persons, line 2: an identifier of 3 characters can't be told"):
        persons_in(file)
    with pytest.raises(CannotErase, match="No such file"):
        persons_in(tmp_path / "none")


TOKEN = "erased-[a-pA-P]{24}"


@pytest.mark.parametrize(
    ("text", "left_of_it"),
    [
        ("bob@example.com", f"{TOKEN}@example.com"),
        ("BOB@Example.com", f"{TOKEN}@Example.com"),
        ("Bob <bob@example.com>, 'bob@example.com'", f"Bob <{TOKEN}@example.com>, '{TOKEN}@example.com'"),
        (
            "https://e.com/?a=bob%40example.com&b=%20bob@example.com",
            f"https://e.com/[?]a={TOKEN}%40example.com&b=%20{TOKEN}@example.com",
        ),
        (r'{"a":"\nbob@example.com"}', rf'{{"a":"\\n{TOKEN}@example.com"}}'),
        (r'{"a":"bob\u0040example.com"}', rf'{{"a":"{TOKEN}@example.com"}}'),
        ("?to=o%27neil%40example.com&j%C3%B6rg@example.com", f"[?]to={TOKEN}%40example.com&{TOKEN}@example.com"),
        ("notbob@example.com, bob@example.community, x.bob@example.com", None),
        ("call +1 555-010.0234 or 0015550100234!", f"call {TOKEN} or {TOKEN}!"),
        ("155501002340, 915550100234", None),
        ('{"phone":15550100234,"other":1.50}', rf'{{"phone":"{TOKEN}","other":1.5}}'),
        ("user-4711, user-47110, user-471", f"{TOKEN}, user-47110, user-471"),
        ("USER-4711", None),
        ("?u=user-4711&v=auth0|7", f"[?]u={TOKEN}&v={TOKEN}"),
    ],
)
def test_persons_in_text(home: TestHome, text: str, left_of_it: str | None) -> None:
    names = ["bob@example.com", "o'neil@example.com", "jörg@example.com", "+15550100234", "user-4711", "auth0|7"]
    with home.ledger() as ledger:
        known = Persons.add(ledger.connection, ledger.lake, [*map(Person.named, names)])
        assert re.fullmatch(left_of_it or re.escape(text), known.text(text))
        assert known.text(known.text(text)) == known.text(text)


def test_tokens_compare_as_spellings_do(home: TestHome) -> None:
    with home.ledger() as ledger:
        known = Persons.add(ledger.connection, ledger.lake, [Person.named("bob@example.com")])
        spellings = ["bob@example.com", "Bob@example.com", "BOB@example.com", "bob@Example.com"]
        tokens = [known.text(spelling) for spelling in spellings]
        assert len({*tokens}) == len(spellings)
        assert len({token.lower() for token in tokens}) == 1
