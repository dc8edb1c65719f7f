"""Fetching: what a vendor ever showed has landed, whatever happened on the way, and what hasn't is said."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import DagsterInstance

from touchstone.__main__ import main
from touchstone.definitions import definitions_of
from touchstone.event_log import last_evaluations
from touchstone.fetching import client, sources, switched_on
from touchstone.fetching import fetch as fetching_module
from touchstone.fetching.fetch import Fetch, fetch, findings, holes_of
from touchstone.fetching.source import DAY, HOUR, FetchFailed, pages
from touchstone.fetching.windows import Window, due_again, gaps, holes
from touchstone.landing.land import land
from touchstone.landing.ledger import Ledger
from touchstone.landing.streams import read_streams
from touchstone.schedules import _digest
from touchstone.settings import Settings, SettingsMistake, load_settings

from .commands import run
from .conftest import TestHome
from .mailgun_api import KEY, Event, MailgunServer, fetching, mailgun, some

DOMAINS = ["mail.example.com", "news.example.org"]


@pytest.fixture
def api(waits: list[float]) -> Iterator[MailgunServer]:
    with mailgun() as server:
        yield server


def fetched(settings: Settings, name: str = "mailgun_logs") -> list[Fetch]:
    """Fetch a source, with a ledger that is opened once, as that takes longer than a call."""
    with Ledger.open(settings) as ledger:
        return fetch(sources()[name], settings, lambda: nullcontext(ledger), lambda text: None)


def landed(settings: Settings) -> Counter[str]:
    """The ids of the events that have landed, each fact once."""
    with Ledger.open(settings) as ledger:
        land(read_streams()["mailgun/events"], settings, ledger, lambda text: None)
        paths = ledger.lake_paths("mailgun/events", of_batch=False)
        if not paths:
            return Counter()
        rows = ledger.connection.execute(
            "select id from read_parquet(?, union_by_name := true) where not _is_repeat", [paths]
        )
        return Counter(id_ for (id_,) in rows.fetchall())


def answers(settings: Settings) -> list[Any]:
    """All documents of the files that were fetched."""
    files = sorted(settings.inbox.glob("*/*/fetched/**/*.gz"))
    return [each for file in files for each in documents(gzip.decompress(file.read_bytes()).decode())]


def documents(text: str) -> Iterator[Any]:
    at = 0
    while at < len(text):
        document, at = json.JSONDecoder().raw_decode(text, at)
        yield document
        at += 1  # a new line


# What is read, and in which order.


def at(hours: float) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours)


def window(start: float, end: float, read: float, status: Any = "complete") -> Window:
    return Window(at(start), at(end), status, at(read))


def test_gaps_are_what_no_window_covers() -> None:
    known = [window(10, 20, 21), window(2, 4, 5), window(18, 22, 23), window(30, 40, 41)]
    assert [*gaps(at(0), at(35), known)] == [(at(0), at(2)), (at(4), at(10)), (at(22), at(30))]
    assert [*gaps(at(0), at(1), [])] == [(at(0), at(1))]
    assert [*gaps(at(11), at(12), known)] == []


def test_a_window_is_read_again_once_it_is_three_times_as_old() -> None:
    young = window(0, 10, 12)  # two hours old when it was read
    assert due_again([young], 30 * DAY, at(15)) == []
    assert due_again([young], 30 * DAY, at(16)) == [young]


def test_a_window_is_read_a_last_time_before_it_is_gone() -> None:
    old = window(0, 10, 24 * 12)  # three times as old only after 33 days
    assert due_again([old], 30 * DAY, at(24 * 28)) == []
    assert due_again([old], 30 * DAY, at(24 * 29)) == [old]
    swept = window(0, 10, 24 * 29)
    assert due_again([swept], 30 * DAY, at(24 * 29.5)) == []
    assert due_again([old], 30 * DAY, at(24 * 30.5)) == [], "its beginning is gone"


def test_a_hole_says_whether_it_can_still_be_had() -> None:
    known = [window(0, 10, 11), window(20, 30, 31), window(40, 50, 50, "failed")]
    (first, second) = holes(known, 30 * DAY)
    assert str(first) == "2026-03-01 10:00 to 2026-03-01 20:00 is missing, and can be had until 2026-03-31 10:00"
    assert (second.start, second.end) == (at(30), at(50))
    partly = holes([*known[:2], window(30, 31, 24 + 15)], DAY)
    assert [(hole.start, hole.end, hole.until) for hole in partly] == [
        (at(10), at(15), None),
        (at(15), at(20), at(15 + 24)),
    ]
    assert {hole.until for hole in holes([*known, window(50, 60, 24 * 5)], DAY)} == {None}
    assert holes([*known, window(50, 60, 24 * 60)], DAY) == [], "what is long gone isn't told for ever"
    assert holes([window(0, 1, 2, "refused")], DAY) == []


def test_pages_that_repeat_are_an_error_and_no_loop() -> None:
    following = {None: "a", "a": "b", "b": "a"}
    read: list[str | None] = []

    def ask(cursor: str | None) -> str | None:
        read.append(cursor)
        return cursor

    with pytest.raises(FetchFailed, match="pages repeat"):
        list(pages(ask, following.get))
    assert read == [None, "a", "b"]


# The three sources.


@pytest.mark.parametrize("name", ["mailgun_logs", "mailgun_events"])
def test_the_first_run_fetches_all_there_is(home: TestHome, api: MailgunServer, name: str) -> None:
    api.events = some(900, api.now - 45 * DAY, 45 * DAY - HOUR)
    settings = fetching(api, name, mailgun_domains=DOMAINS, mailgun_retention_days=40)
    done = fetched(settings, name)
    assert [each.failure for each in done] == [""] * len(done)
    assert landed(settings) == Counter(api.visible())
    assert min(each.start for each in done if each.start) < api.now - 29 * DAY
    refused = home.ledger_rows("select window_start, window_end from fetched where status = 'refused'")
    assert all(start <= (api.now - 39 * DAY).replace(tzinfo=None) for start, _ in refused)
    assert len(refused) == len(done), "the plan keeps 30 days, and the setting says 40"


def test_a_night_reads_what_is_new_and_what_came_late(home: TestHome, api: MailgunServer) -> None:
    api.events = some(400, api.now - 5 * DAY, 5 * DAY - HOUR)
    settings = fetching(api, "mailgun_logs")
    fetched(settings)
    late = some(1, api.now - 2 * HOUR, HOUR, seed=2, late=timedelta())[0]
    api.events.append(Event(late.record, api.now + HOUR))
    api.events += some(50, api.now, 20 * HOUR, seed=3)
    api.now += DAY
    before, files = len(api.requests), len(answers(settings))
    (done,) = fetched(settings)
    assert landed(settings) == Counter(api.visible())
    assert done.calls == len(api.requests) - before < 12
    assert len(answers(settings)) - files < done.calls, "what has been read again without anything new leaves no file"


def test_a_late_event_is_had_at_three_times_its_delay(home: TestHome, api: MailgunServer) -> None:
    settings = fetching(api, "mailgun_logs")
    fetched(settings)
    (late,) = some(1, api.now - 2 * HOUR, HOUR)
    api.events = [Event(late.record, late.at + 4 * DAY)]
    for _ in range(14):
        api.now += DAY
        fetched(settings)
    assert landed(settings) == {late.record["id"]: 1}


def test_events_on_the_edge_of_two_windows_are_had(home: TestHome, api: MailgunServer) -> None:
    settings = fetching(api, "mailgun_logs")
    start = api.now.replace(hour=0) - 3 * DAY
    edges = [start + number * HOUR for number in range(72)]
    for number, (edge, event) in enumerate(zip(edges, some(72, start, DAY), strict=True)):
        moved = edge + timedelta(milliseconds=[0, 1, 999][number % 3])
        api.events.append(Event({**event.record, "timestamp": moved.timestamp()}, moved))
    fetched(settings)
    assert landed(settings) == Counter(event.record["id"] for event in api.events)


def test_items_of_a_domain_meet_the_webhooks_of_the_same_events(home: TestHome, api: MailgunServer) -> None:
    api.events = some(60, api.now - DAY, 20 * HOUR)
    settings = fetching(api, "mailgun_events", mailgun_domains=DOMAINS)
    webhooks = [{"signature": {"token": "t"}, "event-data": event.record} for event in api.events]
    home.put("mailgun/events", "webhooks.json.gz", webhooks)
    fetched(settings, "mailgun_events")
    assert "domain" not in answers(settings)[0]["body"]["items"][0]
    assert landed(settings) == Counter(event.record["id"] for event in api.events)


def test_a_domain_that_is_refused_leaves_the_others_alone(home: TestHome, api: MailgunServer) -> None:
    api.events = some(60, api.now - DAY, 20 * HOUR)
    api.closed = {"mail.example.com": 403}
    settings = fetching(api, "mailgun_events", mailgun_domains=DOMAINS)
    closed, opened = fetched(settings, "mailgun_events")
    assert "refuses events of mail.example.com (403)" in closed.failure
    assert opened.failure == ""
    assert landed(settings) == Counter(e.record["id"] for e in api.events if e.domain == "news.example.org")
    with home.ledger() as ledger:
        ((kind, text),) = findings(settings, ledger)
    assert (kind, text) == ("Not fetched", closed.failure)


def test_a_next_page_on_another_host_gets_no_key(
    home: TestHome, api: MailgunServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.events = some(30, api.now - DAY, 20 * HOUR)
    real = MailgunServer.domain_events

    def elsewhere(self: MailgunServer, *arguments: Any) -> Any:
        status, answer = real(self, *arguments)
        answer["paging"]["next"] = answer["paging"]["next"].replace("127.0.0.1", "127.0.0.2")
        return status, answer

    monkeypatch.setattr(MailgunServer, "domain_events", elsewhere)
    settings = fetching(api, "mailgun_events", mailgun_domains=DOMAINS[:1], mailgun_retention_days=1)
    (done,) = fetched(settings, "mailgun_events")
    assert "on another host" in done.failure


def test_metrics_are_asked_for_ten_by_three_and_paged(home: TestHome, api: MailgunServer) -> None:
    api.page = 40
    api.events = some(500, api.now - 4 * DAY, 4 * DAY)
    api.metrics = lambda record, at: {f"{record['event']}_count": 1}
    settings = fetching(api, "mailgun_metrics")
    hour, day = fetched(settings, "mailgun_metrics")
    assert hour.failure == day.failure == ""
    asked = [body for method, path, body in api.requests if path == "/v1/analytics/metrics"]
    assert max(body["pagination"]["skip"] for body in asked) > 0
    assert {len(body["dimensions"]) for body in asked} == {1, 2, 3}
    with home.ledger() as ledger:
        done = land(read_streams()["mailgun/reported_metrics"], settings, ledger, lambda text: None)
    assert done.totals.records == done.totals.accepted + done.totals.duplicates > 500


# What goes wrong.

FAULTS = {
    "429 seconds": [7.0],
    "429 date": [9.0],
    "429 body": [11.0],
    "500": None,
    "cut": None,
    "html": None,
    "list": None,
    "slow": [],
    "pretty": [],
    "refuse this token 400": [],
}


@pytest.mark.parametrize("name", ["mailgun_logs", "mailgun_events"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_loses_nothing(
    home: TestHome, api: MailgunServer, waits: list[float], name: str, fault: str
) -> None:
    api.events = some(300, api.now - 2 * DAY, 2 * DAY - HOUR)
    settings = fetching(api, name, mailgun_domains=DOMAINS, mailgun_retention_days=3)
    api.page = 20
    api.faults = ["", fault, *([fault] if fault != "slow" else [])]
    done = fetched(settings, name)
    assert [each.failure for each in done] == [""] * len(done)
    assert landed(settings) == Counter(api.visible())
    expected = FAULTS[fault]
    if expected is None:
        assert len(waits) == 2, "it waits longer each time, as the vendor asks for no time"
    else:
        assert waits == expected * 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("500", "answers 500"),
        ("cut", "doesn't answer whole"),
        ("html", "with what is no JSON"),
        ("429 long", "asks to wait 86,400 s"),
        ("redirect", "with a redirect (302)"),
        ("repeat pages", "its pages repeat"),
    ],
)
def test_a_fault_that_stays_is_said_and_the_next_night_goes_on(
    home: TestHome, api: MailgunServer, fault: str, said: str
) -> None:
    api.events = some(300, api.now - 2 * DAY, 2 * DAY - HOUR)
    api.page = 20
    settings = fetching(api, "mailgun_logs", mailgun_retention_days=3)
    api.faults = ["", "", "", *[fault] * 40]
    (done,) = fetched(settings)
    assert said in done.failure
    assert KEY not in done.failure
    assert len(landed(settings)) < 300
    with home.ledger() as ledger:
        found = [*findings(settings, ledger)]
    assert ("Not fetched", done.failure) in found
    if done.windows:
        assert any(kind == "Missing" and "can be had until" in text for kind, text in found)
    api.faults = []
    (done,) = fetched(settings)
    assert done.failure == ""
    assert landed(settings) == Counter(api.visible())
    with home.ledger() as ledger:
        assert [*findings(settings, ledger)] == []


def test_a_server_that_is_gone_is_said(home: TestHome, waits: list[float]) -> None:
    settings = load_settings(mailgun_key=KEY, mailgun_addresses={"us": "http://127.0.0.1:1"}, fetch=["mailgun_logs"])
    (done,) = fetched(settings)
    assert "Mailgun doesn't answer whole (ConnectionError), 6 times; the next night tries again" in done.failure
    assert len(waits) == 5


def test_a_wrong_key_is_said_at_once(home: TestHome, api: MailgunServer) -> None:
    settings = fetching(api, "mailgun_logs", mailgun_key="key-wrong")
    (done,) = fetched(settings)
    assert "refuses the key (401)" in done.failure and "correct mailgun_key" in done.failure
    assert len(api.requests) == 2


def test_windows_end_by_the_clock_of_the_server(home: TestHome, api: MailgunServer) -> None:
    (done,) = fetched(fetching(api, "mailgun_logs"))
    assert done.end == api.now - timedelta(minutes=30)


def test_pages_of_a_window_that_failed_are_kept(home: TestHome, api: MailgunServer) -> None:
    api.events = some(200, api.now - 3 * HOUR, 2 * HOUR)
    api.page = 20
    settings = fetching(api, "mailgun_logs", mailgun_retention_days=1)
    quiet = len([*range(3)])
    fetched(settings)
    assert landed(settings) == Counter(api.visible())
    home.reset()
    api.requests.clear()

    def fail_late() -> None:
        if len([1 for _, _, body in api.requests if "token" in body.get("pagination", {})]) == quiet:
            api.faults = ["500"] * 6

    api.on_request = fail_late
    (done,) = fetched(settings)
    assert "answers 500" in done.failure
    assert 0 < len(landed(settings)) < 200


def test_a_night_stops_fetching_in_time(home: TestHome, api: MailgunServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = fetching(api, "mailgun_logs", fetch_minutes=1)
    monkeypatch.setattr(fetching_module, "_REPORTS", float("inf"))
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(fetching_module, "monotonic", lambda: next(clock))
    (done,) = fetched(settings)
    assert done.windows == 3
    assert "it was stopped after 1 minute (fetch_minutes); the next night goes on from there" in done.failure


def test_a_hole_that_is_gone_is_said_for_a_while(home: TestHome, api: MailgunServer) -> None:
    settings = fetching(api, "mailgun_logs", mailgun_retention_days=2)
    api.keeps = 2 * DAY
    fetched(settings)
    api.now += 6 * DAY
    (done,) = fetched(settings)
    assert done.failure == ""
    with home.ledger() as ledger:
        ((scope, hole),) = holes_of(sources()["mailgun_logs"], settings, ledger)
    assert scope == "us" and hole.until is None
    assert timedelta(days=3) < hole.end - hole.start < timedelta(days=5)


# Thirty nights.


class Killed(BaseException):
    """What a kill leaves behind: nothing after it runs that an exception would let run."""


def kill_somewhere(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have fetching be killed before or after it places one of its next files."""
    placed = fetching_module._Files.place
    left = iter(range(chance.randrange(1, 25), 0, -1))
    is_late = chance.random() < 0.5

    def killed(self: Any) -> None:
        is_now = next(left, 0) == 1
        if is_late or not is_now:
            placed(self)
        if is_now:
            monkeypatch.setattr(fetching_module._Files, "close", lambda self: None)
            raise Killed

    monkeypatch.setattr(fetching_module._Files, "place", killed)


def thirty_nights(
    settings: Settings, api: MailgunServer, monkeypatch: pytest.MonkeyPatch, count: int, seed: int
) -> None:
    """Random events that are shown late, over nights of which some are killed; in the end all that was shown is had."""
    chance = random.Random(seed)
    first = api.now
    api.events = some(count, first - 10 * DAY, 40 * DAY, seed, late=6 * DAY)
    ever: set[str] = set()
    for night in range(34):
        api.now = first + night * DAY + timedelta(minutes=chance.randrange(180))
        ever |= {e.record["id"] for e in api.events if e.shown_at <= api.now - HOUR and e.at < api.now - HOUR}
        if chance.random() < 0.5:
            kill_somewhere(chance, monkeypatch)
        if chance.random() < 0.5:
            api.faults = chance.choices(["", "", "500", "429 seconds", "cut", "html", "refuse this token 400"], k=20)
        with suppress(Killed):
            fetched(settings)
        monkeypatch.undo()
        monkeypatch.setattr(client, "sleep", lambda seconds: None)
        if chance.random() < 0.1:
            landed(settings)
    api.faults = []
    for _ in range(20):  # what is late by six days is had at an age of nineteen
        api.now += DAY
        (done,) = fetched(settings)
        assert done.failure == ""
    assert len(ever) > 0.8 * count
    have = landed(settings)
    assert ever <= set(have), sorted(ever - set(have))[:5]
    assert set(have) <= {e.record["id"] for e in api.events} and max(have.values()) == 1


def test_thirty_nights_with_kills(home: TestHome, api: MailgunServer, monkeypatch: pytest.MonkeyPatch) -> None:
    thirty_nights(fetching(api, "mailgun_logs"), api, monkeypatch, 1200, seed=4)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(4))
def test_many_times_thirty_nights(
    home: TestHome, api: MailgunServer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    api.page = 40
    thirty_nights(fetching(api, "mailgun_logs"), api, monkeypatch, 5_000, seed)


# Nights.


def test_what_is_fetched_counts_as_what_is_put_in_by_hand(home: TestHome, api: MailgunServer) -> None:
    api.events = some(400, api.now - 6 * DAY, 6 * DAY - HOUR)
    api.metrics = lambda record, at: {f"{record['event']}_count": 1}
    home.put("mailgun/events", "by-hand.json.gz", [event.record for event in api.events])
    home.land()
    home.build()
    expected = {name: rows for name, rows in home.marts().items() if name.startswith("mailgun_")}
    home.reset()
    settings = fetching(api, "mailgun_logs", "mailgun_events", "mailgun_metrics", mailgun_domains=DOMAINS)
    for name in settings.fetch:
        assert {each.failure for each in fetched(settings, name)} == {""}
    home.land()
    home.build()
    assert {name: rows for name, rows in home.marts().items() if name.startswith("mailgun_")} == expected
    compared = home.query("select status, explanation, count(*) from reconciliation_daily group by all")
    assert {(status, explanation) for status, explanation, _ in compared} == {("equal", None)}


def night(home: TestHome, api: MailgunServer, *arguments: str, **others: str) -> tuple[int, str]:
    environment = {
        "TOUCHSTONE_SYSTEMS": '["mailgun"]',
        "TOUCHSTONE_FETCH": '["mailgun_logs"]',
        "TOUCHSTONE_MAILGUN_KEY": KEY,
        "TOUCHSTONE_MAILGUN_SUBACCOUNTS": "true",
        "TOUCHSTONE_MAILGUN_ADDRESSES": json.dumps({"us": api.address}),
        "COLUMNS": "200",
    }
    return run(home.settings.home, *arguments, **environment, **others)


def holding(folder: Path, text: str) -> list[str]:
    """The files that hold a text, also where it is compressed."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
            found += [str(path)] * (text.encode() in content)
    return found


def test_a_night_fetches_and_says_what_it_could_not(home: TestHome, api: MailgunServer) -> None:
    assert home.manifest
    api.events = some(300, api.now - 3 * DAY, 3 * DAY - HOUR)
    code, output = night(home, api)
    assert code == 0, output
    assert re.search(r"mailgun_logs +us +2026-02-18 02:00 +2026-03-20 01:30 +\d+ +300", output), output
    assert f"Mailgun is asked at {api.address}, which gets its key, and not at its own address" in output
    delivered = sum(event.record["event"] == "delivered" for event in api.events)
    with duckdb.connect(str(home.settings.published.resolve() / "touchstone.duckdb"), read_only=True) as connection:
        sql = "select sum(delivered_count)::int from mailgun_metrics_daily"
        assert connection.execute(sql).fetchall() == [(delivered,)]

    api.now += DAY
    api.events += some(50, api.now - 20 * HOUR, 10 * HOUR, seed=2)
    api.faults = ["echo the key"] * 100
    home.put("mailgun/events", "loader.json.gz", [event.record for event in some(10, api.now - DAY, DAY, seed=3)])
    code, output = night(home, api)
    assert code == 0, "what has landed is published"
    assert "Not fetched: mailgun_logs us, from 2026-03-20 01:30: Mailgun answers 500: *** is wrong, 6 times" in output
    missing = "mailgun_logs us: 2026-03-20 01:30 to 2026-03-21 01:30 is missing, and can be had until 2026-04-19 01:30"
    assert f"Missing: {missing}" in output
    report = (home.settings.published / "report.html").read_text()
    assert missing.split(": ", 1)[1] in report and "What was fetched, by source and scope" in report
    with DagsterInstance.get() as instance:
        graph = definitions_of(fetching(api, "mailgun_logs")).resolve_asset_graph()
        keys = [key for key in graph.asset_check_keys if "fetched" in key.asset_key.path]
        outcomes = {key.name: outcome.passed for key, outcome in last_evaluations(instance, keys).items()}
    assert outcomes == {"fetch_succeeded": False, "no_hole": False}
    assert night(home, api, "doctor")[0] == 1

    assert holding(home.settings.home, KEY) == [] and KEY not in output
    assert holding(home.settings.home, base64.b64encode(f"api:{KEY}".encode()).decode()) == []

    api.faults = []
    code, output = night(home, api, "fetch")
    assert code == 0 and "Missing" not in output, output


def test_a_fetch_of_nothing_says_so(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch"]) == 1
    assert "error: fetch is empty: name sources in it, of alexa_metrics, alexa_names, " in capsys.readouterr().err


def test_what_is_fetched_lands_beside_a_location(home: TestHome, api: MailgunServer, tmp_path: Path) -> None:
    """As where webhooks are archived in a bucket, and the hours in which none came are fetched."""
    api.events = some(60, api.now - DAY, 20 * HOUR)
    home.write(tmp_path / "webhooks.json.gz", [event.record for event in api.events[:20]])
    settings = fetching(api, "mailgun_logs", locations={"mailgun/events": str(tmp_path)})
    fetched(settings)
    for _ in range(2):
        assert landed(settings) == Counter(api.visible())
    paths = {path.split("/")[0] for (path,) in home.ledger_rows("select path from seen")}
    assert paths == {"fetched", "webhooks.json.gz"}


def test_the_key_may_be_in_a_file(home: TestHome, api: MailgunServer, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    settings = fetching(api, "mailgun_logs", mailgun_key=None, mailgun_key_file=str(file))
    assert [each.failure for each in fetched(settings)] == [""]
    file.unlink()
    with pytest.raises(SettingsMistake, match="can't be read: No such file"):
        fetched(settings)


def test_files_that_were_fetched_call_for_no_other_night(home: TestHome, api: MailgunServer) -> None:
    api.events = some(20, api.now - DAY, 20 * HOUR)
    streams = [*read_streams().values()]
    settings = fetching(api, "mailgun_logs")
    before = _digest(settings, streams)
    fetched(settings)
    assert answers(settings) and _digest(settings, streams) == before
    home.put("mailgun/events", "loader.json.gz", [api.events[0].record])
    assert _digest(settings, streams) != before


def test_settings_say_what_is_missing() -> None:
    for values, said in (
        ({"fetch": ["mailgun_log"]}, "did you mean mailgun_logs?"),
        ({"fetch": ["mailgun_logs"]}, "needs the setting mailgun_key or mailgun_key_file"),
        ({"fetch": ["mailgun_events"], "mailgun_key": "k"}, "needs the setting mailgun_domains"),
        ({"mailgun_key": "hunter 2"}, "a space"),
        ({"mailgun_domains": ["example"]}, "is not a domain"),
        ({"mailgun_addresses": {"us": "http://proxy.example.com"}}, "https://host"),
        ({"mailgun_addresses": {"us": "https://hunter2@example.com"}}, "https://host"),
        ({"mailgun_addresses": {"as": "https://example.com"}}, "host that may have a proxy"),
    ):
        with pytest.raises(SettingsMistake) as mistake:
            switched_on(load_settings(**values))
        assert said in str(mistake.value)
        assert "hunter" not in str(mistake.value)


def test_nothing_is_fetched_unless_switched_on(home: TestHome) -> None:
    def keys(settings: Settings) -> set[str]:
        return {key.to_user_string() for key in definitions_of(settings).resolve_asset_graph().get_all_asset_keys()}

    plain = keys(load_settings())
    assert not [key for key in plain if "fetched" in key]
    on = keys(load_settings(mailgun_key=KEY, fetch=["mailgun_logs", "mailgun_metrics"]))
    assert on - plain == {"fetched/mailgun_logs", "fetched/mailgun_metrics"}
    off = load_settings(mailgun_key=KEY, fetch=["mailgun_logs"], systems=["ses"])
    assert not [key for key in keys(off) if "fetched" in key]


def test_a_token_that_is_refused_begins_its_window_again(home: TestHome, api: MailgunServer) -> None:
    api.events = some(200, api.now - DAY, 20 * HOUR)
    api.page = 20
    settings = fetching(api, "mailgun_logs", mailgun_retention_days=1)
    for status in ("400", "401", "403"):
        home.reset()
        api.faults = [f"refuse this token {status}"]
        assert [each.failure for each in fetched(settings)] == [""]
        assert landed(settings) == Counter(api.visible())
    home.reset()
    api.faults = ["refuse this token 400"] * 50
    assert [each.failure for each in fetched(settings)] == [""], "windows of one page need no token"
    assert landed(settings) == Counter(api.visible())


def test_a_refusal_that_passes_is_no_proof_that_records_are_gone(home: TestHome, api: MailgunServer) -> None:
    settings = fetching(api, "mailgun_logs")
    fetched(settings)
    api.events = some(100, api.now, 5 * DAY)
    api.now += 6 * DAY
    api.faults = ["refuse once"]
    (done,) = fetched(settings)
    assert done.failure == ""
    assert landed(settings) == Counter(api.visible())
    assert home.ledger_rows("select 1 from fetched where status = 'refused'") == []
    api.now += 12 * HOUR
    api.faults = ["refuse once"]
    (done,) = fetched(settings)
    assert "refuses logs of us (400)" in done.failure, "what is new is kept for certain"
    assert [each.failure for each in fetched(settings)] == [""]
