"""The marts depend on nothing but the set of records that were landed."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from touchstone.landing.ledger import Totals
from touchstone.sample.__main__ import main as generate

from .conftest import TABLES, TestHome
from .events import some_events
from .reference import current, hourly

Record = dict[str, Any]


def land_in_pieces(home: TestHome, sources: dict[str, list[Record]], chance: random.Random, loads: int) -> None:
    """The records of each source in a random order, files and up to so many loads, some of them again.

    After each load some of the models are built, whichever these are, or all until the build is killed; in the end all.
    """
    runs = chance.randint(1, loads)
    models = [
        node.name for node in home.manifest.nodes.values() if node.config.materialized in ("incremental", "table")
    ]
    shuffled = {source: records + chance.sample(records, len(records) // 5) for source, records in sources.items()}
    for records in shuffled.values():
        chance.shuffle(records)
    for run in range(runs):
        for source, records in shuffled.items():
            part = records[run::runs]
            files = chance.randint(1, 3)
            for file in range(files):
                home.put(source, f"{chance.randrange(10**6)}.json", part[file::files])
        home.land()
        home.build_empty()
        if chance.random() < 0.3:
            home.kill_build(after=chance.uniform(0, 3))
        for _ in range(chance.randint(0, 2)):
            home.build("--select", *chance.sample(models, chance.randint(1, len(models))))
    home.build()


def check_orders(home: TestHome, orders: int, sources: dict[str, list[Record]], loads: int = 4) -> None:
    first, accepted = None, None
    for seed in range(orders):
        home.reset()
        land_in_pieces(home, sources, random.Random(seed), loads)
        marts = home.marts()
        with home.ledger() as ledger:
            totals = [ledger.totals(source) for source in sources]
        assert all(total.add_up for total in totals)
        assert accepted in (None, [total.accepted for total in totals])
        other = [name for name in marts if first and marts[name] != first[name]]
        assert not other, f"order {seed} gives other marts"
        first, accepted = marts, [total.accepted for total in totals]
    assert first and all(first[name] for name in first if name.startswith(tuple(s.split("/")[0] for s in sources)))
    home.build("--full-refresh", *TABLES)
    assert home.marts() == first, "a full refresh gives other marts"


def all_sources(inbox: Path, events: int) -> dict[str, list[Record]]:
    """Generated extracts of every system as records, with repeats and copies in other carriers."""
    # more of Alexa's logs, as some have rare events
    for systems, count in (("ses,cloudwatch,pinpoint,connect", events), ("alexa", 4 * events)):
        size = ["--events", str(count), "--days", "3", "--end", "2026-03-15"]
        generate([str(inbox), "--systems", systems, *size, "--clean", "--jobs", "1"])
    sources = {"mailgun/events": some_events(seed=5, count=events)}
    for folder in sorted(inbox.glob("*/*")):
        files = [gzip.decompress(path.read_bytes()) for path in sorted(folder.rglob("*.gz"))]
        lines = [line for file in files for line in file.splitlines()]
        some = random.Random(1).sample(lines, min(len(lines), 4 * events))
        sources["/".join(folder.parts[-2:])] = [json.loads(line) for line in some]
    return sources


def test_orders_files_runs_and_repeats_give_the_same_marts(home: TestHome, tmp_path: Path) -> None:
    sources = all_sources(tmp_path, 300)
    check_orders(home, 2, sources, loads=2)
    with home.ledger() as ledger:
        assert ledger.totals("mailgun/events").accepted == len(current(sources["mailgun/events"]))


@pytest.mark.full
def test_twenty_orders_give_the_same_marts(home: TestHome, tmp_path: Path) -> None:
    check_orders(home, 20, all_sources(tmp_path, 4000))


def test_the_marts_are_what_a_second_implementation_counts(home: TestHome) -> None:
    records = some_events(seed=11, count=3000)
    home.put("mailgun/events", "all.json", records)
    home.land()
    home.build()
    columns = [name for (name,) in home.query(
        "select column_name from information_schema.columns where table_name = 'mailgun_metrics_hourly' "
        "and column_name like '%\\_count' escape '\\'"
    )]  # fmt: skip
    rows = home.query(f"select subaccount, domain, period_start, {', '.join(columns)} from mailgun_metrics_hourly")
    expected = hourly(records)
    assert {tuple(row[:3]) for row in rows} == set(expected)
    for row in rows:
        counts = expected[row[:3]]
        counts["processed_count"] -= counts.pop("subtracted", 0)
        counts["sent_count"] += 0
        assert dict(zip(columns, row[3:], strict=True)) == {name: counts.get(name, 0) for name in columns}, row[:3]


def test_another_zone_moves_days_and_months(home: TestHome) -> None:
    # noon UTC of the 28th is the 29th in Kiritimati (+14); 18:30 UTC is midnight in Kolkata
    records = [
        {"event": "accepted", "id": str(n), "@timestamp": at, "domain": "d"}
        for n, at in enumerate(["2026-03-28T18:29:59Z", "2026-03-28T18:30:00Z", "2026-03-31T18:30:00Z"])
    ]
    home.put("mailgun/events", "a.json", records)
    home.land()
    home.build("--full-refresh", "--select", "+path:models/*/mailgun", reporting_timezone="Asia/Kolkata")
    days = home.query("select period_start::varchar, accepted_count from mailgun_metrics_daily order by 1")
    assert days == [("2026-03-28", 1), ("2026-03-29", 1), ("2026-04-01", 1)]
    hours = home.query("select period_start::varchar, accepted_count from mailgun_metrics_hourly order by 1")
    assert hours == [("2026-03-28 18:00:00", 2), ("2026-03-31 18:00:00", 1)]


def test_a_home_without_records_has_empty_marts(home: TestHome) -> None:
    landed = home.land()
    home.build_empty()
    home.build(*TABLES)  # a plain one would leave them as they are
    assert landed["mailgun/events"].totals == Totals()
    assert all(rows == [] for rows in home.marts().values())
