"""The command line: `touchstone COMMAND`, or `python -m touchstone COMMAND`; the Makefile has a target for each.

Exit status: 0 when it was done (and, for a run, published); 1 when it failed, and nothing was published; 2 when a
run was published but for a system that is held back, with its marts of the last good release; 3 when it was done but
records were quarantined or files refused and `--strict` was given.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from touchstone.console import printable, say
from touchstone.home import HomeInUse, environment, exclusive, prepare
from touchstone.landing.land import replay
from touchstone.landing.ledger import Ledger, LedgerMissing
from touchstone.landing.quarantine import dismiss
from touchstone.landing.retract import CannotRetract, retract_file, retract_record, undo
from touchstone.landing.streams import read_streams
from touchstone.publish import NotPublished, rollback
from touchstone.settings import Settings, SettingsMistake, load_settings
from touchstone.summary import print_summary


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="touchstone", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("nightly", help="land what is new, build the marts, publish them")
    run.add_argument("--strict", action="store_true", help="exit with 3 if anything was quarantined or refused")
    commands.add_parser("replay", help="judge quarantined records again by today's rules; then run nightly")
    dismissing = commands.add_parser("dismiss", help="close what is quarantined or refused and nobody will mend")
    dismissing.add_argument("--source", help="such as mailgun/events")
    dismissing.add_argument("--file", help="the path below the source's folder, as the summary shows it")
    dismissing.add_argument("--reason", help="a part of the reason")
    dismissing.add_argument("--all", action="store_true", help="everything that is open")
    retracting = commands.add_parser(
        "retract", help="take out what has landed, as if it had never come; then run nightly"
    )
    chosen = retracting.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--file", help="a file as system/stream/path, or its content_hash in the ledger")
    chosen.add_argument("--record", type=int, help="a record's _record_id: version_id of the staging models")
    chosen.add_argument("--undo", help="let it land again: the number of the retraction, or the file")
    retracting.add_argument("--why", help="what the ledger says of it")
    retracting.add_argument("--anyway", action="store_true", help="though files that repeat some of it are gone")
    commands.add_parser("rollback", help="let readers see the release before the present one")
    commands.add_parser("summary", help="what has been landed and published")
    commands.add_parser("ui", help="the Dagster UI and its daemon on loopback")
    commands.add_parser("docs", help="dbt's documentation on loopback")
    sample = commands.add_parser("sample-if-empty", help="put sample extracts into the inbox unless it has files")
    for name in ("seed", "days", "events"):
        sample.add_argument(f"--{name}")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        prepare(settings)
        os.environ.update(environment(settings))
        match options.command:
            case "nightly":
                return _nightly(settings, options.strict)
            case "replay":
                _replay(settings)
            case "dismiss":
                return _dismiss(settings, options)
            case "retract":
                _retract(settings, options)
            case "rollback":
                with exclusive(settings):
                    print(f"Readers now see {rollback(settings).name}")
            case "summary":
                with exclusive(settings):
                    print_summary(settings)
            case "ui":
                _become("dagster", "dev", "-m", "touchstone.definitions", "-h", "127.0.0.1", "-p", _port("3000"))
            case "docs":
                _docs(settings)
            case "sample-if-empty":
                _sample(settings, options)
    except (CannotRetract, HomeInUse, LedgerMissing, NotPublished, SettingsMistake) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 1
    return 0


def _nightly(settings: Settings, strict: bool) -> int:
    os.environ["TOUCHSTONE_PROGRESS"] = str(time.time())
    say("starting")
    # Loading Dagster and the dbt project takes seconds: only for the command that needs them. What it
    # loads is there to stay: looking through it for garbage as often as Python does takes seconds too.
    gc.set_threshold(100_000)
    from dagster import DagsterInstance

    from touchstone.definitions import build_definitions

    with exclusive(settings), Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
        before = ledger.last_number()
        # Dagster makes its storage when it is first opened: two runs at once in a new home would both do it.
        DagsterInstance.get().dispose()
    with DagsterInstance.get() as instance:
        result = (
            build_definitions(settings)
            .resolve_job_def("nightly")
            .execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            )
        )
    with exclusive(settings):
        with Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
            last = ledger.builds.last()
        is_published = result.success or (last is not None and last.run_id == result.run_id and last.published)
        clean = print_summary(settings, since=before, failed=not is_published)
    if not is_published:
        return 1
    if not result.success:
        return 2
    return 3 if strict and not clean else 0


def _replay(settings: Settings) -> None:
    with exclusive(settings), Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
        for stream in read_streams().values():
            if released := replay(stream, settings, ledger):
                print(f"{stream.source}: {released} quarantined records landed; run nightly to count them")


def _dismiss(settings: Settings, options: argparse.Namespace) -> int:
    if not (options.all or options.source or options.file or options.reason):
        print("error: say what to dismiss: --source, --file, --reason, or --all", file=sys.stderr)
        return 1
    with exclusive(settings), Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
        closed = dismiss(ledger.connection, options.source, options.file, options.reason)
    print(f"{closed:,} dismissed; their text stays in the ledger")
    return 0


def _retract(settings: Settings, options: argparse.Namespace) -> None:
    streams = read_streams().values()
    with exclusive(settings), Ledger.open(settings.lake, settings.scratch, settings.memory_limit) as ledger:
        if options.undo:
            undone = undo(ledger, options.undo)
            if not undone:
                raise CannotRetract(f"nothing is retracted that {options.undo} names")
            print(f"{undone} undone: a file in the inbox lands in the next run, a record when it comes again")
            return
        if not options.why:
            raise CannotRetract("say why, for the ledger: WHY='...'")
        if options.file:
            done = retract_file(ledger, settings, streams, options.file, options.why, options.anyway)
        else:
            done = retract_record(ledger, streams, options.record, options.why)
    print(f"{done.source}: {done.records:,} records of {', '.join(map(printable, done.files))} taken out; run nightly")
    if done.again:
        print(
            f"{len(done.again):,} files that may repeat some of it land again: {', '.join(map(printable, done.again))}"
        )
    if done.lost:
        print(f"Lost is what only these repeat, which are gone: {', '.join(map(printable, done.lost))}")


def _sample(settings: Settings, options: argparse.Namespace) -> None:
    if any(path.is_file() for path in settings.inbox.rglob("*")):
        return
    arguments = [f"--{name}={value}" for name in ("seed", "days", "events") if (value := getattr(options, name))]
    subprocess.run([sys.executable, "-m", "touchstone.sample", str(settings.inbox), *arguments], check=True)


def _docs(settings: Settings) -> None:
    from touchstone.manifest import reduce_docs
    from touchstone.warehouse import run_dbt

    with exclusive(settings):
        run_dbt(settings, "docs", "generate")
        reduce_docs(settings)
    _become("touchstone.dbt", "docs", "serve", "--host", "127.0.0.1", "--port", _port("8080"), "--no-browser")


def _port(default: str) -> str:
    return os.environ.get("PORT", default)


def _become(module: str, *arguments: str) -> None:
    """Replace this process by a program of the same environment."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


if __name__ == "__main__":
    sys.exit(main())
