"""Mailgun's metrics a second time, in plain Python from the vendor's page: what the marts are held against."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]
_SOFT = {"generic", "greylisted", "blacklisted", "espblock"}
_KINDS = {"accepted", "rejected", "delivered", "failed", "opened", "clicked", "unsubscribed", "complained", "stored"}


def unwrapped(records: Iterable[Record]) -> list[Record]:
    """Webhook bodies and pages opened."""
    found: list[Record] = []
    for record in records:
        found += record["items"] if "items" in record else [record.get("event-data", record)]
    return found


def event_time(event: Record) -> datetime:
    if "timestamp" in event:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=round(float(event["timestamp"]) * 1_000_000))
    return datetime.fromisoformat(event["@timestamp"])


def current(records: Iterable[Record]) -> list[Record]:
    """One version of each event. The records that come here never tie on the time of a shape."""
    versions: dict[tuple[Any, ...], Record] = {}
    for event in unwrapped(records):
        kind = event["event"].lower()
        if kind not in _KINDS:
            continue
        key = (_domain(event), kind, event["id"], event_time(event).date())
        rank = ("@timestamp" in event, event_time(event))
        if key not in versions or rank > ("@timestamp" in versions[key], event_time(versions[key])):
            versions[key] = event
    return list(versions.values())


def hourly(records: Iterable[Record]) -> dict[tuple[Any, ...], Counter[str]]:
    """Counts by subaccount, domain and hour."""
    events = current(records)
    unique = _unique(events)
    counts: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for event in events:
        account = event.get("account") or {}
        hour = event_time(event).replace(minute=0, second=0, microsecond=0, tzinfo=None)
        key = (account["id"] if account.get("parent-id") else "none", _domain(event), hour)
        counts[key].update(_counts(event, id(event) in unique))
    return counts


def _domain(event: Record) -> str:
    domain = event.get("domain") or "none"
    return (domain["name"] if isinstance(domain, dict) else domain).lower()


def _bot(event: Record) -> str:
    return ((event.get("client-info") or {}).get("bot") or "none").lower()


def _unique(events: list[Record]) -> set[int]:
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for event in events:
        if event["event"].lower() in ("opened", "clicked"):
            message = event["message"]["headers"]["message-id"]
            groups[event["event"].lower(), message, event["recipient"].lower(), _bot(event)].append(event)
    found: set[int] = set()
    for group in groups.values():
        last = None
        for event in sorted(group, key=event_time):
            if last is None or event_time(event) - last >= timedelta(days=7):
                last = event_time(event)
                found.add(id(event))
    return found


def _counts(event: Record, is_unique: bool) -> list[str]:
    kind = event["event"].lower()
    flags = event.get("flags") or {}
    status = event.get("delivery-status") or {}
    optimized = bool(event.get("i-delivery-optimizer"))
    if kind == "accepted":
        return ["accepted_count", f"accepted_{'outgoing' if flags.get('is-authenticated') else 'incoming'}_count"]
    if kind == "delivered":
        transport = ((event.get("envelope") or {}).get("transport") or "smtp").lower()
        names = ["delivered_count", f"delivered_{transport}_count", "sent_count", "processed_count"]
        attempt = int(status.get("attempt-no") or 0)
        if attempt == 1:
            names.append("delivered_first_attempt_count")
        if attempt >= 2:
            names += ["delivered_two_plus_attempts_count", "delayed_first_attempt_count"]
        return names + ["delivered_optimized_count"] * optimized
    if kind in ("opened", "clicked"):
        names = [f"{kind}_count"]
        if is_unique:
            names.append(f"unique_{kind}_count")
            if _bot(event) == "none":
                names.append(f"human_unique_{kind}_count")
        return names
    if kind != "failed":
        return [f"{kind}_count"]
    reason = (event.get("reason") or "").lower()
    if (event.get("severity") or "").lower() != "permanent":
        return ["failed_count", "temporary_failed_count"] + ["esp_block_count"] * (reason == "espblock")
    delayed = bool(flags.get("is-delayed-bounce"))
    suppressed = {
        "suppress-bounce": "suppressed_bounces_count",
        "suppress-complaint": "suppressed_complaints_count",
        "suppress-unsubscribe": "suppressed_unsubscribed_count",
    }.get(reason)
    names = ["failed_count", "permanent_failed_count"]
    names += [suppressed] if suppressed else ["bounced_count", "sent_count"]
    if reason == "old":
        names += ["permanent_failed_old_count", "delayed_first_attempt_count"]
    if reason == "bounce" and optimized:
        names.append("permanent_failed_optimized_count")
    if delayed:
        names.append("delayed_bounce_count")
    elif reason == "bounce":
        names.append("hard_bounces_count")
    elif reason in _SOFT:
        names.append("soft_bounces_count")
    webhook = bool(flags.get("is-callback") or flags.get("is-webhook"))
    names += ["webhook_count"] * webhook
    # a failure that is both is taken off twice, as the page's formula has it: -1 is counted by `subtracted`
    processed = 1 - webhook - delayed
    return names + (["processed_count"] if processed == 1 else ["subtracted"] if processed == -1 else [])
