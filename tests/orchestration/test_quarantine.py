"""Quarantine: which records are open, what closes them, and how the summary shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from touchstone.landing.quarantine import Group, dismiss, open_groups
from touchstone.summary import print_summary

from .conftest import TestHome

SOURCE = "mailgun/events"
Record = dict[str, Any]


def event(number: int, **fields: Any) -> Record:
    return {"event": "opened", "id": f"id{number}", "timestamp": 1770000000 + number, "domain": "d.example", **fields}


def line(number: int, **fields: Any) -> bytes:
    return json.dumps(event(number, **fields)).encode() + b"\n"


def open_of(home: TestHome) -> list[tuple[int, str, int | None]]:
    """Count, first path and line of each open group."""
    with home.ledger() as ledger:
        return [(group.records, group.path, group.line) for group in open_groups(ledger.connection)]


def closed_of(home: TestHome) -> list[tuple[Any, ...]]:
    return home.ledger_rows("select line, closed_as from quarantine where closed_as is not null order by all")


def test_records_that_are_still_wrong_in_a_longer_file_stay_open(home: TestHome) -> None:
    whole = line(1) + line(2, event="nonesuch") + line(3)
    home.put(SOURCE, "log", whole[:-20])
    home.land()
    assert sum(count for count, *_ in open_of(home)) == 2
    home.put(SOURCE, "log", whole + line(4))
    home.land()
    assert open_of(home) == [(1, "log", 2)]
    assert closed_of(home) == [(2, "file changed"), (3, "file changed")]
    assert home.ledger_rows("select count(*) from quarantine where text is null") == [(0,)]
    with home.ledger() as ledger:
        assert ledger.files_that_do_not_add_up(SOURCE) == []


def test_a_record_that_lands_whole_from_another_file_is_no_longer_open(home: TestHome) -> None:
    home.put(SOURCE, "a", line(1, flags="wrong") + line(2, flags="wrong"))
    home.land()
    assert open_of(home) == [(2, "a", 1)]
    home.put(SOURCE, "b", line(2))
    home.land()
    assert open_of(home) == [(1, "a", 1)]
    assert closed_of(home) == [(2, "landed")]


def test_a_file_that_is_gone_closes_its_records_but_an_inbox_that_is_gone_does_not(home: TestHome) -> None:
    wrong = home.put(SOURCE, "a", line(1, event="nonesuch"))
    right = home.put(SOURCE, "b", line(2))
    home.land()
    moved = home.settings.home / "moved"
    (home.settings.inbox / SOURCE).rename(moved)
    home.land()
    assert open_of(home) == [(1, "a", 1)], "an unreachable folder closes nothing"
    moved.rename(home.settings.inbox / SOURCE)
    wrong.unlink()
    home.land()
    assert right.exists()
    assert open_of(home) == []
    assert closed_of(home) == [(1, "file gone")]


def test_dismissed_records_stay_closed_with_their_text(home: TestHome) -> None:
    home.put(SOURCE, "a", line(1, event="nonesuch"))
    home.put(SOURCE, "b", line(2, event="nonesuch"))
    (home.settings.inbox / SOURCE / "c").symlink_to("/etc/hostname")
    home.land()
    assert [(count, path) for count, path, _ in open_of(home)] == [(1, "c"), (2, "a")]
    with home.ledger() as ledger:
        assert dismiss(ledger.connection, "ses/events", None, None) == 0
        assert dismiss(ledger.connection, SOURCE, "b", None) == 1
        assert dismiss(ledger.connection, None, None, "symbolic link") == 1
    home.land()
    assert open_of(home) == [(1, "a", 1)], "a dismissed file stays dismissed"
    assert home.ledger_rows("select path, text <> '' from quarantine where closed_as = 'dismissed'") == [("b", True)]


def test_open_records_are_grouped_by_source_and_reason_with_the_first(home: TestHome) -> None:
    home.put(SOURCE, "b", line(1) + line(2, event="nonesuch"))
    home.put(SOURCE, "a", line(3) + line(4) + b"not json\n" + line(5, event="nonesuch") + line(6, event="nonesuch"))
    home.land()
    with home.ledger() as ledger:
        groups = open_groups(ledger.connection, SOURCE)
        assert open_groups(ledger.connection, "ses/events") == []
        assert open_groups(ledger.connection, since=ledger.last_load_id()) == []
    assert [(g.source, g.records, g.path, g.line) for g in groups] == [(SOURCE, 3, "a", 4), (SOURCE, 1, "a", 3)]
    assert not any(group.is_file for group in groups)


@pytest.mark.parametrize("name", ["x[/]y", "x[bold red]y", "x\x1b[2Jy", "x\u202ey", "[link=file:///]x"])
def test_text_from_files_is_shown_unchanged(home: TestHome, capsys: pytest.CaptureFixture[str], name: str) -> None:
    home.put(SOURCE, name, line(1, event="nonesuch") + line(2, **{name: 1}))
    home.land()
    assert print_summary(home.settings) is False
    shown = capsys.readouterr().out
    assert name.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e") in shown
    assert not any(mark in shown for mark in ("\x1b[2J", "\u202e"))


def test_the_summary_is_a_screenful_with_many_errors(home: TestHome, capsys: pytest.CaptureFixture[str]) -> None:
    fields = {f"field_{number}": 1 for number in range(500)}
    home.put(SOURCE, "a", b"".join(line(number, event="nonesuch", **fields) for number in range(200)))
    for number in range(100):
        (home.settings.inbox / SOURCE / f"link{number}").symlink_to("/etc/hostname")
    home.put("ses/events", "b", line(1, **fields))
    home.land()
    print_summary(home.settings)
    shown = capsys.readouterr().out
    assert shown.index("Refused, 100") < shown.index("Quarantined, 200") < shown.index("Landed")
    assert len(shown.splitlines()) < 40
    assert max(map(len, shown.splitlines())) < 300


def test_a_group_is_of_files_or_of_records() -> None:
    assert Group("s", "r", 1, "p", None).is_file
    assert not Group("s", "r", 1, "p", 0).is_file
