"""What checks found, in plain words: the report and Dagster's UI show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import AssetCheckResult, AssetCheckSeverity, AssetKey

HELD_BACK = (
    "Readers keep the earlier numbers of the system: docs/operations.md, “A system is held back”, says what to do."
)


def result_of(
    check: str,
    finding: str,
    remedy: str,
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    metadata: Mapping[str, Any] | None = None,
    asset_key: AssetKey | None = None,
) -> AssetCheckResult:
    """The result of a check: it found something, a sentence without its full stop, or passed, with an empty finding."""
    return AssetCheckResult(
        check_name=check,
        asset_key=asset_key,
        passed=not finding,
        severity=severity,
        description=finding or None,
        metadata={**(metadata or {}), **({"remedy": remedy} if finding else {})},
    )
