"""Retention by age: records of before a date stay, and no longer say whose they are.

Where it is on, models read all records as they will be once they are old (the macro `landed`), and keys are those of
such records: nothing that is counted depends on when a record becomes old.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from touchstone.landing.ledger import Ledger
from touchstone.landing.persons import create_tokens, make_key
from touchstone.landing.records import key_of, quoted, read_lake, values_of
from touchstone.landing.rewrite import rewriting
from touchstone.landing.streams import Stream
from touchstone.settings import Settings, SettingsMistake


def pseudonymise(stream: Stream, settings: Settings, ledger: Ledger, now: datetime) -> None:
    """Pseudonymise the stream's records of the months that were over `keep_records_days` ago.

    The first time, all get the keys of pseudonymised records, and what was built of the others is removed.
    Raises SettingsMistake if that was done and the setting is gone, and ErasureUnfinished if the home's key is.
    """
    if not (stream.persons or stream.personal):
        return
    done = ledger.pseudonymised_before(stream.source)
    if settings.keep_records_days is None:
        if done:
            raise SettingsMistake(
                f"keep_records_days is not set, and records of before {done} are pseudonymised for good: set it again, "
                "to as many days as you like"
            )
        return
    before = (now.astimezone(UTC) - timedelta(days=settings.keep_records_days)).date().replace(day=1)
    if done and before <= done:
        return
    create_tokens(ledger.connection, make_key(ledger.connection, ledger.folder), ledger.dimensions)
    schema = str(ledger.lake / stream.source / "schema.parquet")
    if not done and ledger.lake_paths(stream.source, of_batch=False):
        ledger.builds.invalidate()
        for built in settings.warehouse.iterdir():
            built.unlink()
    with rewriting(ledger, stream.source) as rewrite:
        for path in ledger.lake_paths(stream.source, of_batch=False, dates=(done, before) if done else None):
            # an old file may lack columns that the stream has now
            rows = f"(select * exclude (filename) from {read_lake([path, schema])})"
            rewrite.replace([path], pseudonymised(stream, rows, before))
        ledger.connection.execute("insert or replace into pseudonymised values (?, ?)", [stream.source, before])
    ledger.keep_what_the_lake_lacks()


def pseudonymised(stream: Stream, relation: str, before: date) -> str:
    """SQL of a relation's records, those of before a date without persons, and all with the keys of such records.

    Needs the macros of `create_tokens`.
    """
    names = [name for name in stream.columns if name in stream.persons or name in stream.personal]
    stated = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in names)
    rows = f"(select *, struct_pack({stated}) as _stated from {relation})"
    for rules in (stream.persons, stream.personal):
        if rules:
            replaced = (f"cast({sql} as {stream.columns[name]}) as {quoted(name)}" for name, sql in rules.items())
            rows = f"(select * replace ({', '.join(replaced)}) from {rows})"
    kept = (
        f"case when _date < date '{before}' then {quoted(name)} else _stated.{quoted(name)} end as {quoted(name)}"
        for name in names
    )
    return f"""
        select
            * exclude (_stated, _record)
            replace ({", ".join(kept)}, case when _key is not null then {key_of(stream)} end as _key)
        from (select *, {values_of(stream)} as _record from {rows})
    """
