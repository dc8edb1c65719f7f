"""Alerts: a night that fails calls a person, by mail, chat, webhook or a command, as the settings say.

An alert holds nothing of records: of an error that isn't ours it states the type alone, as its message may quote one.
Addresses hold passwords: no message, log or error shows them.
"""

from __future__ import annotations

import logging
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from shlex import join
from typing import TYPE_CHECKING

import duckdb
from pydantic import SecretStr

from touchstone.console import counted, printable
from touchstone.release import held_back
from touchstone.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterEvent

# Errors whose messages are ours.
_OURS = ("CannotWrite", "Damaged", "HomeInUse", "LakeDamaged", "LakeUnreachable", "NotPublished", "SettingsMistake")
# What logs addresses: parts of them, or whole ones that can't be read.
_LOGGERS = ("apprise", "urllib3.connectionpool")
_LINE = 1000
# Dagster gives an evaluation of a sensor 60 s.
_COMMAND_SECONDS = 30


@dataclass(frozen=True)
class Alert:
    """Plain text, with one line as its subject."""

    subject: str
    text: str


def is_set_up(settings: Settings) -> bool:
    return bool(settings.alert_urls or settings.alert_command)


def alert(
    settings: Settings, happened: str, reasons: Mapping[str, str], then: str, section: str = "A system is held back"
) -> list[str]:
    """Send what `happened` to all addresses, with the reasons, what to do `then`, and the docs' section of it.

    Returns a line for each address that did not take it. Raises nothing, as no night depends on its alert.
    """
    if not is_set_up(settings):
        return []
    try:
        return send(settings, _described(settings, happened, reasons, then, section))
    except Exception as error:
        return [f"no alert was sent: {type(error).__name__}"]


def alert_of_night(settings: Settings, happened: str, reasons: Mapping[str, str]) -> None:
    """Send an alert of a night of the command line, and print a line for each address that did not take it."""
    command = join(["env", f"TOUCHSTONE_HOME={settings.home}", sys.executable, "-m", "touchstone", "nightly"])
    then = f"correct the cause, which the night's output states, and run: {command}"
    for line in alert(settings, happened, reasons, then):
        print(f"warning: {line}", file=sys.stderr)


@contextmanager
def alert_of_error(settings: Settings) -> Iterator[None]:
    """Send an alert of an error that stops a night of the command line."""
    try:
        yield
    except Exception as error:
        name = type(error).__name__
        alert_of_night(settings, "the night stopped", {name: _reason(name, str(error))})
        raise


def alert_of_rates(settings: Settings) -> list[str]:
    """Send an alert of rates of e-mail that the present release has as unusual, and the report before it hadn't.

    Returns a line for each address that did not take it.
    """
    from touchstone.report.news import unusual_in

    release = settings.published.resolve()
    with duckdb.connect(str(release / "touchstone.duckdb"), read_only=True) as connection:
        new = {each.rate: each.said for each in unusual_in(release, connection) if each.is_new}
    if not new:
        return []
    happened = f"{counted(len(new), 'rate')} of e-mail {'is' if len(new) == 1 else 'are'} unusual"
    return alert(settings, happened, new, f"see {settings.published / 'report.html'}", "A rate is unusual")


def what_happened(is_published: bool, reasons: Iterable[str]) -> str:
    return f"published without {', '.join(reasons)}" if is_published else "nothing was published"


def reasons_of(failures: Iterable[DagsterEvent]) -> dict[str, str]:
    """Why a run of Dagster's failed, by system, or by step for what no system is held back for."""
    reasons: dict[str, str] = {}
    for event in failures:
        deliberate = event.step_failure_data.user_failure_data if event.is_step_failure else None
        if deliberate and deliberate.metadata:
            reasons |= {system: str(reason.value) for system, reason in deliberate.metadata.items()}
            continue
        error = getattr(event.event_specific_data, "error", None)
        while error and error.cause and (error.cls_name or "").startswith("Dagster"):
            error = error.cause  # Dagster wraps what our code raises
        reasons[event.step_key or "run"] = (
            _reason(error.cls_name or "an error", error.message.partition(": ")[2])
            if error
            else "stopped without an error: its process may have been killed"
        )
    return reasons


def is_published_by(settings: Settings, run_id: str) -> bool:
    """Whether readers see a release of this run of Dagster's."""
    release = (settings.published / "touchstone.duckdb").resolve()
    if release.parent.name.endswith(f"-{run_id[:8]}"):
        return True  # even if it has no system's marts of this run
    try:
        with duckdb.connect(str(release), read_only=True) as connection:
            return bool(connection.execute("select 1 from run where run_id = ?", [run_id]).fetchall())
    except duckdb.Error:
        return False


def send(settings: Settings, alert: Alert) -> list[str]:
    """Send to all addresses at once. Returns a line for each that did not take it."""
    with ThreadPoolExecutor() as pool, _no_logs():
        sent = [
            pool.submit(_send_to_url, f"alert_urls[{number}]", url, alert)
            for number, url in enumerate(settings.alert_urls)
        ]
        if settings.alert_command:
            sent.append(pool.submit(_send_to_command, settings.alert_command, alert))
        return [line for each in sent if (line := each.result())]


def _described(settings: Settings, happened: str, reasons: Mapping[str, str], then: str, section: str) -> Alert:
    host = platform.node()
    paragraphs = [
        [f"Home: {settings.home} on {host}"],
        [f"{happened[0].upper()}{happened[1:]}:", *(f"- {name}: {reason}" for name, reason in reasons.items())],
        _what_readers_see(settings),
        [f"Next: {then}", f'The section "{section}" of docs/operations.md says more.'],
    ]
    shown = "\n\n".join("\n".join(printable(line)[:_LINE] for line in lines) for lines in paragraphs)
    return Alert(printable(f"Touchstone on {host}: {happened}"), shown)


def _what_readers_see(settings: Settings) -> list[str]:
    release = (settings.published / "touchstone.duckdb").resolve()
    if not release.exists():
        return ["Readers see nothing: there is no release."]
    try:
        with duckdb.connect(str(release), read_only=True) as connection:
            old = [f"- {system.message}" for system in held_back(connection)]
    except duckdb.Error as error:
        old = [f"- it can't be read: {type(error).__name__}"]
    return [f"Readers see the release {release.parent.name}{':' * bool(old)}", *old]


def _reason(name: str, message: str) -> str:
    """What an alert says of an error of the type `name`."""
    return " ".join(message.split()) if name in _OURS else f"stopped with {name}"


@contextmanager
def _no_logs() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.disabled for logger in loggers]
    try:
        for logger in loggers:
            logger.disabled = True
        yield
    finally:
        for logger, was_disabled in zip(loggers, before, strict=True):
            logger.disabled = was_disabled


def _send_to_url(name: str, url: SecretStr, alert: Alert) -> str | None:
    try:
        import apprise  # loading it takes a third of a second

        asset = apprise.AppriseAsset(
            app_id="Touchstone", app_desc="Touchstone", app_url="", image_url_mask="", image_url_logo=""
        )
        service = apprise.Apprise(asset=asset)
        if not service.add(url.get_secret_value()):
            return f"{name} is not an address that apprise can read: no alert was sent to it"
        sent = service.notify(
            title=alert.subject,
            body=alert.text,
            notify_type=apprise.NotifyType.FAILURE,
            body_format=apprise.NotifyFormat.TEXT,
        )
    except Exception as error:
        return f"{name} did not take the alert: {type(error).__name__}"
    return None if sent else f"{name} ({service[0].service_name}) did not take the alert"


def _send_to_command(command: list[str], alert: Alert) -> str | None:
    text = f"{alert.subject}\n\n{alert.text}\n"
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_COMMAND_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"alert_command did not take the alert: {type(error).__name__}"
    return f"alert_command did not take the alert: it exited with {done.returncode}" if done.returncode else None
