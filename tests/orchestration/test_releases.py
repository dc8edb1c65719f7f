"""Releases: rollback finds the one before, whatever the clock says."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from touchstone import publish
from touchstone.damage import write_sizes
from touchstone.home import exclusive
from touchstone.settings import Settings


def test_rollback_finds_the_release_before_when_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    settings.make_directories()
    made = []
    for at in (datetime(2026, 3, 2, 2), datetime(2026, 3, 2, 1), datetime(2026, 3, 2, 1), datetime(2026, 3, 3)):

        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None, at: datetime = at) -> datetime:  # type: ignore[override]
                return at.replace(tzinfo=UTC)

        monkeypatch.setattr(publish, "datetime", Clock)
        release = settings.releases / publish.name_of_next(settings, f"run{len(made)}")
        release.mkdir()
        write_sizes(release)
        publish.activate_release(settings, release)
        made.append(release)
    assert publish.releases(settings) == made
    for before in reversed(made[:-1]):
        assert publish.rollback(settings) == before
    with pytest.raises(publish.NotPublished):
        publish.rollback(settings)


def test_the_setting_published_for_opens_the_release_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, published_for="group")
    with exclusive(settings):
        release = settings.releases / "one"
        (release / "parquet").mkdir(parents=True)
        (release / "touchstone.duckdb").touch()
        (settings.ledger).touch()
        publish.activate_release(settings, release)
    rights = {path: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path, *tmp_path.rglob("*")]}
    assert rights[release] == rights[release / "parquet"] == 0o750
    assert rights[release / "touchstone.duckdb"] == 0o640
    assert rights[tmp_path] & 0o077 in (0o010, 0o055), "the folder was there already"
    assert rights[settings.releases] == 0o710
    assert rights[settings.lake] == rights[settings.scratch] == 0o700
    assert rights[settings.ledger] == 0o600
    with exclusive(Settings(home=tmp_path, published_for="everyone")):
        assert stat.S_IMODE((release / "touchstone.duckdb").stat().st_mode) == 0o644
