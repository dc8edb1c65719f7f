"""Releases: rollback finds the one before, whatever the clock says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from touchstone import publish
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
        publish.activate_release(settings, release)
        made.append(release)
    assert publish.releases(settings) == made
    for before in reversed(made[:-1]):
        assert publish.rollback(settings) == before
    with pytest.raises(publish.NotPublished):
        publish.rollback(settings)
