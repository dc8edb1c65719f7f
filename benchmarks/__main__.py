"""The benchmark: a whole nightly run beside a floor, and a further night on a short and a long history.

The floor is one DuckDB script with no more to it than the task needs: it reads the same gzip files with declared
columns, deduplicates, counts both Mailgun marts at three grains and writes them to a DuckDB file. It keeps no
ledger, finds no damage, types nothing it does not count, has no unique windows, no tests and publishes nothing.

    python -m tests.bench [--events 2000000] [--repeat 2] [--daily 20000] [--no-history]
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.settings import PROJECT

_COLUMNS = {
    "event": "varchar",
    "id": "varchar",
    "timestamp": "varchar",
    "@timestamp": "timestamptz",
    "domain": "json",
    "account": 'struct(id varchar, "parent-id" varchar)',
    "severity": "varchar",
    "reason": "varchar",
    "delivery-status": 'struct("attempt-no" integer)',
    "flags": 'struct("is-authenticated" boolean, "is-delayed-bounce" boolean, "is-callback" boolean, '
    '"is-webhook" boolean)',
    "i-delivery-optimizer": "varchar",
    "envelope": 'struct(transport varchar, "sending-ip" varchar, "i-ip-pool-name" varchar)',
    "recipient-domain": "varchar",
    "recipient-provider": "varchar",
    "tags": "varchar[]",
    "geolocation": "struct(country varchar)",
    "client-info": 'struct("device-type" varchar, bot varchar)',
}
_EVENT = ", ".join(f'"{name}" {type_}' for name, type_ in _COLUMNS.items())

_READ = """
create table events as
with
lines as (
    select unnest(coalesce("event-data", struct_pack({fields})))
    from read_json('{files}', format = 'newline_delimited', compression = 'gzip', columns = {columns})
),
typed as (
    select
        lower(event) as event, coalesce(domain ->> '$.name', domain ->> '$') as domain, id,
        lower(severity) as severity, lower(reason) as reason,
        coalesce(
            "@timestamp" at time zone 'UTC',
            make_timestamp(cast("timestamp"::decimal(20, 6) * 1000000 as bigint))
        ) as at,
        case when account."parent-id" is not null then account.id else 'none' end as subaccount,
        "delivery-status"."attempt-no" as attempt_no, lower(envelope.transport) as transport,
        coalesce(flags."is-authenticated", false) as is_authenticated,
        coalesce(flags."is-delayed-bounce", false) as is_delayed_bounce,
        coalesce(flags."is-callback", false) or coalesce(flags."is-webhook", false) as is_webhook,
        nullif("i-delivery-optimizer", '') as optimizer,
        coalesce(envelope."sending-ip", 'none') as ip, coalesce(envelope."i-ip-pool-name", 'none') as ip_pool,
        coalesce("recipient-domain", 'none') as recipient_domain,
        coalesce("recipient-provider", 'none') as recipient_provider,
        coalesce(geolocation.country, 'none') as country, coalesce("client-info"."device-type", 'none') as device,
        coalesce(nullif(lower("client-info".bot), ''), 'none') as bot,
        coalesce(nullif(list_distinct(case when event <> 'unsubscribed' then tags end), []), ['none']) as tags
    from lines
)
select distinct on (domain, event, coalesce(id, cast("at" as varchar)), cast("at" as date)) *
from typed
"""

_FLAGS = """
select
    subaccount, domain, date_trunc('hour', "at") as hour, cast("at" as date) as day, date_trunc('month', "at") as month, {dimensions}
    case when event = 'accepted' and not is_authenticated then 1 end as accepted_incoming_count,
    case when event = 'accepted' and is_authenticated then 1 end as accepted_outgoing_count,
    case when event = 'rejected' then 1 end as rejected_count,
    case when event = 'stored' then 1 end as stored_count,
    case when event = 'delivered' and transport = 'http' then 1 end as delivered_http_count,
    case when event = 'delivered' and transport = 'smtp' then 1 end as delivered_smtp_count,
    case when event = 'delivered' and optimizer is not null then 1 end as delivered_optimized_count,
    case when event = 'delivered' and attempt_no = 1 then 1 end as delivered_first_attempt_count,
    case when event = 'delivered' and attempt_no >= 2 then 1 end as delivered_two_plus_attempts_count,
    case when event = 'failed' and severity is distinct from 'permanent' then 1 end as temporary_failed_count,
    case when event = 'failed' and severity is distinct from 'permanent' and reason = 'espblock' then 1 end as esp_block_count,
    case when event = 'failed' and severity = 'permanent' then 1 end as permanent_failed_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'old' then 1 end as permanent_failed_old_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'bounce' and not is_delayed_bounce then 1 end as hard_bounces_count,
    case when event = 'failed' and severity = 'permanent' and not is_delayed_bounce
        and reason in ('generic', 'greylisted', 'blacklisted', 'espblock') then 1 end as soft_bounces_count,
    case when event = 'failed' and severity = 'permanent' and is_delayed_bounce then 1 end as delayed_bounce_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'suppress-bounce' then 1 end as suppressed_bounces_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'suppress-complaint' then 1 end as suppressed_complaints_count,
    case when event = 'failed' and severity = 'permanent' and reason = 'suppress-unsubscribe' then 1 end as suppressed_unsubscribed_count,
    case when event = 'failed' and severity = 'permanent' and is_webhook then 1 end as webhook_count,
    case when event = 'opened' then 1 end as opened_count,
    case when event = 'clicked' then 1 end as clicked_count,
    case when event = 'unsubscribed' then 1 end as unsubscribed_count,
    case when event = 'complained' then 1 end as complained_count
from events
"""  # noqa: E501
_DIMENSIONS = ("ip", "ip_pool", "recipient_domain", "recipient_provider", "country", "device", "bot")
_GRAINS = "grouping sets ((hour), (day), (month))"


def floor(files: str, output: str) -> None:
    """The floor, in this process. Prints seconds: read and deduplicate, main mart, mart by dimension."""
    connection = duckdb.connect(output)
    connection.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
    marks = [time.monotonic()]
    fields = ", ".join(f'"{name}" := "{name}"' for name in _COLUMNS)
    columns = repr({**_COLUMNS, "event-data": f"struct({_EVENT})"})
    connection.execute(_READ.format(files=files, fields=fields, columns=columns))
    marks.append(time.monotonic())
    main = _FLAGS.format(dimensions="")
    count = "count(columns('_count$'))"
    connection.execute(
        f"create table mailgun_metrics as select subaccount, domain, hour, day, month, {count} "
        f"from ({main}) group by subaccount, domain, {_GRAINS}"
    )
    marks.append(time.monotonic())
    names = ", ".join(_DIMENSIONS)
    by_dimension = _FLAGS.format(dimensions=f"{names},")
    by_tag = _FLAGS.format(dimensions="unnest(tags) as tag,")
    slices = ", ".join(f"({name})" for name in _DIMENSIONS)
    connection.execute(
        f"create table mailgun_metrics_by_dimension as select subaccount, domain, hour, day, month, {names}, {count} "
        f"from ({by_dimension}) group by subaccount, domain, {_GRAINS}, grouping sets ({slices}) union all by name "
        f"select subaccount, domain, hour, day, month, tag, {count} from ({by_tag}) "
        f"group by subaccount, domain, tag, {_GRAINS}"
    )
    connection.execute("checkpoint")
    marks.append(time.monotonic())
    print(*(f"{after - before:.2f}" for before, after in pairwise(marks)))


@dataclass(frozen=True)
class Timing:
    """Wall seconds and peak memory (MiB, of the largest process) of one command, and what it printed."""

    seconds: float
    mebibytes: float
    output: str


def timed(arguments: Sequence[str | Path], **environment: str) -> Timing:
    """Run a command as a process of its own; raises if it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        [str(argument) for argument in arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(output)
    children = max(usage.ru_maxrss, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    return Timing(time.monotonic() - began, children / 1024, output)


def nightly(home: Path) -> Timing:
    return timed([sys.executable, "-m", "orchestration", "nightly"], TOUCHSTONE_HOME=str(home))


def stages(output: str) -> dict[str, float]:
    """Seconds of a nightly's stages, from the times it says while it works."""
    at = [(float(t), what) for t, what in re.findall(r"^ *([\d.]+) s  (.+)$", output, re.M)]
    landed = max((t for t, what in at if " files" in what), default=at[0][0])
    built = max((t for t, what in at if what.startswith("built")), default=landed)
    published = next((t for t, what in at if what == "publishing"), built)
    start = next((t for t, what in at if what == "landing"), at[0][0])
    return {"start": start, "land": landed - start, "build and test": published - landed}


def sample(inbox: Path, *arguments: str) -> None:
    timed([sys.executable, "-m", "orchestration.sample", inbox, "--clean", "--end", "2026-05-31", *arguments])


def compare(home: Path, floor_file: Path) -> None:
    """Both ways have to count the same, or the comparison is of nothing."""
    floor_sums = _sums(floor_file, "mailgun_metrics where hour is not null")
    ours = _sums((home / "published").resolve() / "touchstone.duckdb", "mailgun_metrics_hourly")
    if floor_sums != ours:
        raise SystemExit(f"the floor counts otherwise: {floor_sums} and {ours}")


def _sums(file: Path, relation: str) -> tuple[int, ...]:
    names = ("accepted_incoming_count", "delivered_smtp_count", "permanent_failed_count", "opened_count")
    with duckdb.connect(str(file), read_only=True) as connection:
        row = connection.execute(f"select {', '.join(f'sum({n})::bigint' for n in names)} from {relation}").fetchone()
    assert row is not None
    return row


def whole_nights(work: Path, events: int, repeat: int, console: Console) -> None:
    home, floor_file = work / "home", work / "floor.duckdb"
    console.print(f"Making {events:,} events of 30 days")
    sample(home / "inbox", "--events", str(events), "--days", "30")
    warm_up(home)
    nights, floors = [], []
    for _ in range(repeat):
        forget(home)
        nights.append(nightly(home))
        floor_file.unlink(missing_ok=True)
        files = str(home / "inbox/mailgun/events/**/*.gz")
        floors.append(timed([sys.executable, "-m", "tests.bench", "--floor", files, floor_file]))
    compare(home, floor_file)
    quiet = [nightly(home) for _ in range(repeat)]
    table = Table("", "seconds", "events/s", "ratio to the floor", "peak MiB", title="Median of the runs, side by side")
    floor_seconds = median(t.seconds for t in floors)

    def row(name: str, seconds: float, memory: float | None = None) -> None:
        table.add_row(
            name,
            f"{seconds:.1f}",
            f"{events / seconds:,.0f}",
            f"{seconds / floor_seconds:.2f}",
            f"{memory:,.0f}" if memory else "",
        )

    row("whole nightly", median(t.seconds for t in nights), max(t.mebibytes for t in nights))
    parts = [stages(t.output) for t in nights]
    for name in parts[0]:
        row(f"  {name}", median(part[name] for part in parts))
    row("  publish and summary", median(t.seconds - sum(p.values()) for t, p in zip(nights, parts, strict=True)))
    row("floor", floor_seconds, max(t.mebibytes for t in floors))
    pieces = [list(map(float, t.output.split())) for t in floors]
    for name, *seconds in zip(("read, deduplicate", "count main mart", "count by dimension"), *pieces, strict=True):
        row(f"  {name}", median(seconds))
    console.print(table)
    console.print(f"A night with nothing new: {median(t.seconds for t in quiet):.1f} s")


def one_more_day(work: Path, daily: int, repeat: int, console: Console) -> None:
    """The 366th day on 365 days of history, and the same day on 30."""
    inbox = work / "year"
    console.print(f"Making 366 days of {daily:,} events")
    sample(inbox, "--events", str(daily * 366), "--days", "366")
    days = sorted(inbox.glob("mailgun/events/*/*/*"))
    ratios: list[float] = []
    for _ in range(repeat):
        seconds = []
        for history in (30, 365):
            home = work / f"history-{history}"
            shutil.rmtree(home, ignore_errors=True)
            give(days[-history - 1 : -1], inbox, home)
            nightly(home)
            give(days[-1:], inbox, home)
            seconds.append(nightly(home).seconds)
        console.print(f"One more day on 30 days: {seconds[0]:.1f} s, on 365 days: {seconds[1]:.1f} s")
        ratios.append(seconds[1] / seconds[0])
    console.print(f"Ratio: {median(ratios):.2f}")


def give(days: Sequence[Path], inbox: Path, home: Path) -> None:
    for day in days:
        shutil.copytree(day, home / "inbox" / day.relative_to(inbox))


def forget(home: Path) -> None:
    """Everything but the inbox and what dbt has parsed."""
    for name in ("lake", "warehouse", "releases"):
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "published").unlink(missing_ok=True)


def warm_up(home: Path) -> None:
    """Have dbt's parsed project and Dagster's storage in place, which a first run ever makes."""
    inbox = (home / "inbox").rename(home / "aside")
    nightly(home)
    shutil.rmtree(home / "inbox")
    inbox.rename(home / "inbox")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--daily", type=int, default=20_000, help="events a day of the history")
    parser.add_argument("--no-history", action="store_true")
    parser.add_argument("--floor", nargs=2, metavar=("FILES", "OUTPUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        floor(*options.floor)
        return
    console = Console(width=100, highlight=False)
    parts: list[Callable[[Path], None]] = [lambda work: whole_nights(work, options.events, options.repeat, console)]
    if not options.no_history:
        parts.append(lambda work: one_more_day(work, options.daily, options.repeat, console))
    for part in parts:
        with tempfile.TemporaryDirectory() as work:
            part(Path(work))


if __name__ == "__main__":
    main()
