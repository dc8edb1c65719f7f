"""The command line: `touchstone COMMAND`, or `python -m touchstone COMMAND`; the Makefile has a target for each.

Exit status: 0 on success; 1 on failure, with nothing published; 2 for a nightly run that published a release in which a
system is held back, with its marts of the last good release, or that PostgreSQL or `publish_location` did not take; 3
for `nightly --strict` if records were quarantined or files refused; 130 and 143 after SIGINT and SIGTERM.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from touchstone import alerts, story
from touchstone.backup import LINKS, BackupFailed, alone, back_up, restore
from touchstone.console import counted, log_progress, printable, show_progress, shown_bytes
from touchstone.damage import CannotWrite, Damaged, LakeUnreachable, check_home, explained
from touchstone.dbt import DbtFailed, run_dbt
from touchstone.doctor import examine, print_findings
from touchstone.fetching import sources, switched_on
from touchstone.fetching.fetch import fetch
from touchstone.home import PRIVATE, HomeInUse, environment, exclusive, own_dagster
from touchstone.landing.erase import erase, persons_in
from touchstone.landing.land import replay
from touchstone.landing.ledger import Ledger
from touchstone.landing.persons import CannotErase, ErasureUnfinished, Person
from touchstone.landing.quarantine import dismiss
from touchstone.landing.retract import CannotRetract, retract_file, retract_record, undo
from touchstone.landing.shared import LedgerUnavailable
from touchstone.landing.streams import read_streams
from touchstone.migrations import HomeTooNew, home_version
from touchstone.publish import NotPublished, rollback
from touchstone.rebuild import CannotRebuild, begin_history, rebuild_from_inbox, rebuild_from_lake
from touchstone.settings import (
    Settings,
    SettingsMistake,
    commented_settings,
    home_directory,
    known_systems,
    load_settings,
)
from touchstone.signals import end_on_signals
from touchstone.spark import NotGenerated, generate
from touchstone.spark.night import SparkFailed
from touchstone.summary import print_fetched, print_summary, wide_console
from touchstone.targets import catch_up, targets_of

# The errors whose messages say what to do.
_KNOWN = (
    BackupFailed, CannotErase, CannotRebuild, CannotRetract, CannotWrite, Damaged, DbtFailed, ErasureUnfinished,
    HomeInUse, HomeTooNew, LedgerUnavailable, NotGenerated, NotPublished, SettingsMistake, SparkFailed,
    story.NotUpgraded,
)  # fmt: skip
# Dagster's arguments for our code location.
_LOCATION = ("-m", "touchstone.definitions")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="touchstone", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("nightly", help="land what is new, build the marts, publish them")
    run.add_argument("--strict", action="store_true", help="exit with 3 if anything was quarantined or refused")
    commands.add_parser("fetch", help="fetch into the inbox what the setting fetch names; a night does so first")
    commands.add_parser("replay", help="validate quarantined records again by today's rules; then run nightly")
    dismissing = commands.add_parser(
        "dismiss", help="close quarantined records and refused files that nobody will correct"
    )
    dismissing.add_argument("--source", help="such as mailgun/events")
    dismissing.add_argument("--file", help="path below the source's folder, as the summary shows it")
    dismissing.add_argument("--reason", help="part of the reason")
    dismissing.add_argument("--all", action="store_true", help="everything that is open")
    retracting = commands.add_parser(
        "retract", help="remove a landed file or record, as if it had never landed; then run nightly"
    )
    chosen = retracting.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--file", help="file as system/stream/path, or its content_hash in the ledger")
    chosen.add_argument("--record", type=int, help="record's version_id in the staging models")
    chosen.add_argument("--undo", help="let it land again: number of the retraction, or the file")
    retracting.add_argument("--why", help="reason, for the ledger")
    retracting.add_argument("--anyway", action="store_true", help="even if files that may repeat its records are gone")
    erasing = commands.add_parser(
        "erase", help="take persons out of the home, while totals stay as they are; then run nightly"
    )
    erasing.add_argument(
        "--person", action="append", default=[], help="mail address, phone number, user or endpoint id"
    )
    erasing.add_argument("--file", type=Path, help="file of many, one a line")
    telling = commands.add_parser("message", help="print what the lake knows of a message, in order; a night may run")
    telling.add_argument("name", metavar="ID", help="its id, with or without <>")
    telling = commands.add_parser("recipient", help="print what the lake knows of messages to a recipient, likewise")
    telling.add_argument(
        "name", metavar="ADDRESS", help="mail address, or a Pinpoint endpoint's id; - reads it from a line"
    )
    commands.add_parser("rollback", help="activate the release before the present one")
    backing = commands.add_parser("backup", help="copy the home, also while a night runs")
    backing.add_argument("to", help="folder of backups, or an address such as s3://bucket/prefix")
    restoring = commands.add_parser("restore", help="put a backup into the home; then run nightly")
    restoring.add_argument("source", metavar="from", help="what was given to backup, or one dated folder in it")
    rebuilding = commands.add_parser("rebuild", help="make again what is damaged or gone; then run nightly")
    rebuilding.add_argument(
        "--from",
        dest="source",
        choices=("lake", "inbox"),
        default="lake",
        help="lake: the warehouse, and the ledger if it is damaged; inbox: the lake and the ledger too",
    )
    rebuilding.add_argument("--history", action="store_true", help="only Dagster's history, if it is damaged")
    rebuilding.add_argument("--anyway", action="store_true", help="even if the inbox lacks files that have landed")
    commands.add_parser("summary", help="print what has landed and is published")
    commands.add_parser("try-alerts", help="send a test to all addresses of alerts")
    ui = commands.add_parser("ui", help="start the Dagster UI and its daemon on loopback")
    web = commands.add_parser("webserver", help="start the Dagster UI alone, as a service")
    web.add_argument("--host", default="127.0.0.1", help="address to listen on")
    for server in (ui, web):
        server.add_argument("--port", type=int, default=_port("3000"))
    daemon = commands.add_parser(
        "daemon", help="start Dagster's daemon, which runs schedules and sensors, as a service"
    )
    for service in (web, daemon):
        service.add_argument(
            "--workspace", type=Path, help="Dagster's file that names a server of our definitions; else they are loaded"
        )
    commands.add_parser("docs", help="serve dbt's documentation on loopback")
    model = commands.add_parser("model", help="rebuild one model from all of its records, and run its tests")
    model.add_argument("name", help="such as int_mailgun__event_flags")
    spark = commands.add_parser("spark", help="write a dbt project for Spark with the same models")
    spark.add_argument("--out", type=Path, required=True, help="its folder: a new one, or that of an earlier project")
    spark.add_argument(
        "--systems",
        nargs="+",
        choices=known_systems(),
        help="the systems that it has; by default those of the settings",
    )
    commands.add_parser("init", help="write a commented file of settings into the home")
    commands.add_parser("doctor", help="look for what is wrong with the home, and say what to do")
    sampled = "a home of its own, `sample` in the home"
    night = commands.add_parser(
        "run",
        help=f"write sample extracts into {sampled}, unless the setting fetch names sources, and run a night there",
    )
    for name in ("seed", "days", "events"):
        night.add_argument(f"--{name}")
    commands.add_parser("reset", help=f"remove the sample: {sampled}")
    options = parser.parse_args(arguments)
    if arguments is None and options.command not in ("ui", "webserver"):  # these end what they have started
        end_on_signals()
    try:
        if options.command in ("run", "reset"):
            os.environ["TOUCHSTONE_HOME"] = str(home_directory() / "sample")
        settings = load_settings()
        alerting = alerts.alert_of_error(settings) if options.command == "nightly" else nullcontext()
        with alerting, explained(settings):
            return _run(settings, options)
    except _KNOWN as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 1


def _run(settings: Settings, options: argparse.Namespace) -> int:
    os.umask(PRIVATE)
    settings.make_directories()
    home_version(settings)
    os.environ.update(environment(settings) | own_dagster(settings))
    match options.command:
        case "nightly":
            return _nightly(settings, options.strict)
        case "fetch":
            return _fetch(settings)
        case "replay":
            _replay(settings)
        case "dismiss":
            return _dismiss(settings, options)
        case "retract":
            _retract(settings, options)
        case "erase":
            _erase(settings, options)
        case "message":
            return _tell(settings, story.of_message(settings, options.name))
        case "recipient":
            return _tell(settings, story.of_recipient(settings, _given(options.name)))
        case "rollback":
            return _rollback(settings)
        case "spark":
            _spark(settings, options)
        case "backup":
            _back_up(settings, options.to)
        case "restore":
            _restore(settings, options.source)
        case "rebuild":
            _rebuild(settings, options)
        case "summary":
            with exclusive(settings):
                print_summary(settings)
                check_home(settings)
        case "try-alerts":
            return _try_alerts(settings)
        case "ui":
            return _serve(settings, "127.0.0.1", options.port, with_daemon=True)
        case "webserver":
            return _serve(settings, options.host, options.port, workspace=options.workspace)
        case "daemon":
            _create_history(settings)
            # Dagster's module of it is private, unlike its command.
            command = str(Path(sys.executable).with_name("dagster-daemon"))
            location = ["-w", str(options.workspace)] if options.workspace else _LOCATION
            os.execv(command, [command, "run", *location])
        case "docs":
            _docs(settings)
        case "model":
            from touchstone.manifest import project, read_parsed

            with exclusive(settings):
                project(settings)
                rebuild = ["--no-write-json", "build", "--full-refresh", "--select", options.name]
                run_dbt(settings, *rebuild, manifest=read_parsed(settings))
        case "init":
            return _init(settings)
        case "doctor":
            with exclusive(settings):
                return 0 if print_findings([*examine(settings)]) else 1
        case "run":
            _sample(settings, options)
            code = _nightly(settings, strict=False)
            what = "These were fetched" if settings.fetch else "This was a sample"
            print(f"{what}, in {settings.home}: `make ui SAMPLE=1` shows it. Your own data: `make init`")
            return code
        case "reset":
            with exclusive(settings):
                shutil.rmtree(settings.home)
            print(f"Removed {settings.home}")
    return 0


def _nightly(settings: Settings, strict: bool) -> int:
    show_progress()
    log_progress("starting")
    # What Dagster and dbt load stays, and checking it for garbage as often as Python does takes seconds.
    gc.set_threshold(100_000)
    # Loading Dagster takes seconds: only the command that needs it does it.
    from touchstone.nightly import Outcome, run

    with exclusive(settings):
        check_home(settings)
        began = datetime.now(UTC)
        with Ledger.open(settings) as ledger:
            before = ledger.last_load_id()
        outcome, reasons = run(settings)
        for error in (CannotWrite, Damaged, LakeUnreachable):
            if error.__name__ in reasons:
                raise error(reasons[error.__name__])
        clean = print_summary(settings, since=before, failed=outcome == Outcome.FAILED, fetched_since=began)
    if outcome != Outcome.PUBLISHED:
        happened = alerts.what_happened(outcome == Outcome.HELD_BACK, reasons)
        alerts.alert_of_night(settings, happened, reasons)
        return int(outcome.value)
    return 3 if strict and not clean else 0


def _fetch(settings: Settings) -> int:
    if not settings.fetch:
        raise SettingsMistake(f"fetch is empty: name sources in it, of {', '.join(sorted(sources()))}")
    show_progress()
    with exclusive(settings):
        check_home(settings)
        began = datetime.now(UTC)
        for source in switched_on(settings):
            fetch(source, settings, lambda: Ledger.open(settings), log_progress)
        with Ledger.open(settings) as ledger:
            is_missing = print_fetched(wide_console(), settings, ledger, began)
    return int(is_missing)


def _replay(settings: Settings) -> None:
    with exclusive(settings), Ledger.open(settings) as ledger:
        for stream in read_streams().values():
            if released := replay(stream, settings, ledger):
                print(f"{stream.source}: {released} quarantined records landed; run nightly to count them")


def _rollback(settings: Settings) -> int:
    with exclusive(settings):
        print(f"Readers now see {rollback(settings).name}")
        failed = catch_up(targets_of(settings), settings)
    for title, reason in failed.items():
        print(f"error: {title} still shows the other release: {reason}", file=sys.stderr)
    return 1 if failed else 0


def _given(name: str) -> str:
    """A name of the command line, or the line of standard input in its place, which no shell keeps and no user sees."""
    return sys.stdin.readline() if name == "-" else name


def _tell(settings: Settings, records: list[story.Record]) -> int:
    if not records:
        print(
            "Nothing is known of it. Persons who were erased, and records that keep_records_days has pseudonymised, "
            "can't be found by address"
        )
        return 1
    for line in story.lines(settings, records):
        print(line)
    return 0


def _back_up(settings: Settings, to: str) -> None:
    show_progress()
    made = back_up(settings, to)
    print(
        f"Backed up {counted(made.files, 'file')} of {shown_bytes(made.bytes)} to {printable(made.place)}: "
        f"{counted(made.copied_files, 'file')} of {shown_bytes(made.copied_bytes)} copied, "
        "the others are as in the backup before"
    )
    if made.without_lake:
        print(f"The lake, {made.without_lake}, is not in it: docs/backup.md says how to keep one there")


def _spark(settings: Settings, options: argparse.Namespace) -> None:
    show_progress()
    if options.systems:
        settings = settings.model_copy(update={"systems": options.systems})
    written = generate(settings, options.out)
    print(
        f"Wrote {counted(written['models'], 'model')}, {counted(written['data tests'], 'data test')} and "
        f"{counted(written['unit tests'], 'unit test')} into {printable(str(options.out))}"
    )


def _restore(settings: Settings, source: str) -> None:
    show_progress()
    restored = restore(settings, source)
    print(
        f"Restored {counted(restored.files, 'file')} of {shown_bytes(restored.bytes)}, "
        f"as of {restored.at:%Y-%m-%d %H:%M:%S} UTC; run nightly, which builds the warehouse"
    )
    if restored.kept:
        shown = ", ".join(map(printable, restored.kept[:3])) + " and others" * (len(restored.kept) > 3)
        print(f"{counted(len(restored.kept), 'file')} of the inbox stayed, though the backup has others: {shown}")
    if restored.needs_ledger:
        print("The lake is not in the backup, and has other files than its ledger: first run make rebuild")
    if restored.before:
        print(f"What was there before is in {restored.before}; remove it once the numbers are right")


def _rebuild(settings: Settings, options: argparse.Namespace) -> None:
    show_progress()
    if options.history:
        done = begin_history(settings)
    elif options.source == "inbox":
        done = rebuild_from_inbox(settings, read_streams().values(), options.anyway)
    else:
        done = rebuild_from_lake(settings)
    for line in done.lines:
        print(line)
    if done.before:
        folders = " and ".join(map(str, done.before))
        print(f"What was there before is in {folders}; remove it once the numbers are right")


def _dismiss(settings: Settings, options: argparse.Namespace) -> int:
    if not (options.all or options.source or options.file or options.reason):
        print("error: choose what to dismiss: --source, --file, --reason, or --all", file=sys.stderr)
        return 1
    with exclusive(settings), Ledger.open(settings) as ledger, ledger.changing():
        closed = dismiss(ledger.connection, options.source, options.file, options.reason)
    print(f"{closed:,} dismissed; the ledger keeps their text")
    return 0


def _retract(settings: Settings, options: argparse.Namespace) -> None:
    streams = read_streams().values()
    with exclusive(settings), Ledger.open(settings) as ledger, ledger.changing():
        if options.undo:
            undone = undo(ledger, options.undo)
            if not undone:
                raise CannotRetract(f"{options.undo} names no retraction")
            print(f"{undone} undone: a file in the inbox lands in the next run, a record when it is delivered again")
            return
        if not options.why:
            raise CannotRetract("give the reason, for the ledger: WHY='...'")
        if options.file:
            done = retract_file(ledger, settings, streams, options.file, options.why, options.anyway)
        else:
            done = retract_record(ledger, streams, options.record, options.why)
    print(f"{done.source}: {done.records:,} records of {', '.join(map(printable, done.files))} removed; run nightly")
    if done.again:
        print(
            f"{len(done.again):,} files that may repeat its records land again: {', '.join(map(printable, done.again))}"
        )
    if done.lost:
        print(f"Records that only these files repeat are lost: {', '.join(map(printable, done.lost))}")


def _erase(settings: Settings, options: argparse.Namespace) -> None:
    persons = [*map(Person.named, options.person), *(persons_in(options.file) if options.file else [])]
    with exclusive(settings), alone(settings):
        shutil.rmtree(settings.home / LINKS, ignore_errors=True)  # of a backup that was killed
        found = erase(settings, [*read_streams().values()], persons)
    for source, records in found.records.items():
        print(f"{source}: erased from {counted(records, 'record')}")
    for table, values in found.ledger.items():
        print(f"ledger, table {table}: erased from {counted(values, 'value')}")
    for name in found.removed:
        print(f"release {name} named them: removed")
    for file in found.files:
        print(f"{file}: erased")
    if not (found.records or found.ledger or found.removed or found.files or found.is_published):
        print("Nothing in the home names them; records that come later are recognised")
    if found.is_published:
        print("The present release names them: the next one that is published takes its place, and it is removed")
    for file in found.own:
        print(f"{printable(file)}: names them, and is yours to change; if it lands again, it lands without them")


def _init(settings: Settings) -> int:
    file = settings.home / "settings.toml"
    if file.exists():
        print(f"error: {file} exists; it stays as it is", file=sys.stderr)
        return 1
    file.write_text(commented_settings())
    print(f"Wrote {file}. Put files into {settings.inbox}/<system>/<stream>/, and run nightly")
    return 0


def _try_alerts(settings: Settings) -> int:
    if not alerts.is_set_up(settings):
        print("error: set alert_urls or alert_command (docs/operations.md, Alerts)", file=sys.stderr)
        return 1
    test = alerts.Alert("Touchstone: a test of alerts", f"Alerts of failed nights in {settings.home} come here.")
    unsent = alerts.send(settings, test)
    for line in unsent:
        print(f"error: {line}", file=sys.stderr)
    print(f"{len(settings.alert_urls) + bool(settings.alert_command) - len(unsent)} sent")
    return 1 if unsent else 0


def _sample(settings: Settings, options: argparse.Namespace) -> None:
    if settings.fetch or any(path.is_file() for path in settings.inbox.rglob("*")):
        return
    arguments = [f"--{name}={value}" for name in ("seed", "days", "events") if (value := getattr(options, name))]
    subprocess.run([sys.executable, "-m", "touchstone.sample", str(settings.inbox), *arguments], check=True)


def _docs(settings: Settings) -> None:
    from touchstone.manifest import project, read_parsed, reduce_docs

    with exclusive(settings):
        project(settings)
        run_dbt(settings, "docs", "generate", manifest=read_parsed(settings))
        reduce_docs(settings)
    _exec_program("touchstone.dbt", "docs", "serve", "--host", "127.0.0.1", "--port", _port("8080"), "--no-browser")


def _serve(
    settings: Settings, host: str, port: int, *, with_daemon: bool = False, workspace: Path | None = None
) -> int:
    from touchstone.ui import serve

    _create_history(settings)
    return serve(settings, host, port, with_daemon=with_daemon, workspace=workspace)


def _create_history(settings: Settings) -> None:
    """Create the tables of Dagster's history where there are none: services that do so at the same time break them."""
    from dagster import DagsterInstance

    with FileLock(settings.home / "dagster" / "create.lock"), DagsterInstance.get():
        pass


def _port(default: str) -> str:
    return os.environ.get("PORT", default)


def _exec_program(module: str, *arguments: str) -> None:
    """Replace this process with a module's program, of the same environment."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


if __name__ == "__main__":
    sys.exit(main())
