"""What a night does at its end, so that a home doesn't grow without one."""

from __future__ import annotations

from datetime import UTC, datetime

from dagster import DagsterInstance

from touchstone.console import log_progress
from touchstone.history import tidy_history
from touchstone.landing.compact import compact_lake, forget
from touchstone.landing.ledger import Ledger, write_anew
from touchstone.settings import Settings


def tidy(settings: Settings, instance: DagsterInstance) -> None:
    """Compact the lake, and remove what is kept no longer of the ledger and of Dagster's history.

    The caller holds the home. A night whose numbers are right doesn't fail if this does: the next one tries again.
    """
    now = datetime.now(UTC)
    try:
        with Ledger.open(settings) as ledger:
            forgotten_texts = 0
            if ledger.may_change():  # or the last machine of the night tidies
                forgotten_texts = forget(ledger, settings, now)
                if files := compact_lake(ledger):
                    log_progress(f"compacted {files} files of the lake")
                ledger.push()
        if forgotten_texts:
            write_anew(settings.ledger)
        tidy_history(instance, settings, now)
    except Exception as error:
        log_progress(f"the home could not be tidied: {type(error).__name__}: {error}")
