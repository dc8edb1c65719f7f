"""Names beside ids: a file of the home with a row for each id, which has its newest name and stays once it is deleted.

It is a seed of the home's own that no model reads: a name changes no number, and a file that is wrong holds none back.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Annotated

import duckdb
from pydantic import AwareDatetime, BeforeValidator, TypeAdapter, ValidationError

from touchstone.console import printable
from touchstone.fetching.source import FetchFailed, Named
from touchstone.settings import Settings

# Lists are JSON, as names have whatever separates others.
_List = Annotated[tuple[str, ...], BeforeValidator(json.loads)]


@dataclass(frozen=True)
class Name(Named):
    """What is known of an id: a row of the file, in which what is empty is the default.

    `earlier_names` has the newest last. `listed_in`: each source and place whose last listing had it; one that none has
    is deleted, or was never listed.
    """

    earlier_names: _List = ()
    first_seen_at: AwareDatetime | None = None
    deleted_at: AwareDatetime | None = None
    listed_in: _List = ()


_COLUMNS = [field.name for field in fields(Name)]
_ROW = TypeAdapter(Name)


def read_names(settings: Settings) -> list[Name]:
    """The rows of the home's file; none without it. Raises FetchFailed for a file that isn't one of names."""
    path = settings.names
    if not path.exists():
        return []
    content, found = path.read_bytes(), dict[tuple[str, ...], Name]()
    try:
        rows = csv.DictReader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    except UnicodeDecodeError as error:
        raise _wrong(path, 1 + content.count(b"\n", 0, error.start), "it isn't UTF-8") from None
    try:
        for row in rows:
            if row.keys() - {*_COLUMNS}:
                raise _wrong(path, rows.line_num, f"it has columns other than {', '.join(_COLUMNS)}")
            name = _ROW.validate_python({column: value for column, value in row.items() if value})
            if name.key in found:
                raise _wrong(path, rows.line_num, "it has an id of an earlier line again")
            found[name.key] = name
    except ValidationError as error:
        columns = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
        raise _wrong(path, rows.line_num, f"it lacks {columns}, or has another kind of value there") from None
    except csv.Error:
        raise _wrong(path, rows.line_num + 1, "a quote in it isn't doubled, or has no end") from None
    return [*found.values()]


def _wrong(path: Path, line: int, found: str) -> FetchFailed:
    return FetchFailed(
        f"{printable(str(path))}, line {line}: {found}; correct it, take the file from a backup, or remove it: the "
        "next night lists all names anew"
    )


def take_over(settings: Settings, listed: Mapping[str, Collection[Named]], now: datetime) -> None:
    """Take over what was listed, by source and place; the file is replaced as a whole, if anything is new.

    Raises FetchFailed where the file can't be read or replaced, and OSError.
    """
    known = read_names(settings)
    names = sorted(merged(known, listed, now.replace(microsecond=0)), key=lambda name: name.key)
    if names == sorted(known, key=lambda name: name.key):
        return
    settings.names.parent.mkdir(exist_ok=True)
    unfinished = settings.scratch / settings.names.name
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        # All values have quotes, or Python's reader would take a carriage return in a name for the end of a row.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(_COLUMNS)
        writer.writerows([_written(getattr(name, column)) for column in _COLUMNS] for name in names)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.replace(unfinished, settings.names)
    except OSError as error:
        raise FetchFailed(
            f"{printable(str(settings.names))} can't be replaced: {error.strerror}; have the home's folders seeds and "
            "tmp on one disk, where this user may write"
        ) from None


def merged(known: Iterable[Name], listed: Mapping[str, Collection[Named]], now: datetime) -> list[Name]:
    """The names that are known after listings of whole places, by place. What other places have stays as it is."""
    before = {name.key: name for name in known}
    found = dict(before)
    for place, names in listed.items():
        here = {name.key: name for name in names}
        for key, new in here.items():
            old = found.get(key) or Name(new.kind, new.id, account_id=new.account_id, first_seen_at=now)
            places = tuple(sorted({*old.listed_in, place}))
            found[key] = replace(_renamed(old, new.name), deleted_at=None, listed_in=places)
        for key, old in found.items():
            if key not in here and place in old.listed_in:
                found[key] = replace(old, listed_in=tuple(each for each in old.listed_in if each != place))
    for key, old in before.items():
        if old.listed_in and not found[key].listed_in:
            found[key] = replace(found[key], deleted_at=now)
    return [*found.values()]


def _renamed(old: Name, given: str) -> Name:
    """A name without half surrogate pairs, which no file holds. One that the vendor no longer gives stays."""
    new = given.encode(errors="replace").decode()
    if new in ("", old.name):
        return old
    earlier = tuple(name for name in (*old.earlier_names, old.name) if name not in ("", new))
    return replace(old, name=new, earlier_names=earlier)


def _written(value: str | tuple[str, ...] | datetime | None) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value or ""


def changed_since(settings: Settings, at: datetime) -> bool:
    """Whether the file was written after a time, UTC without a zone."""
    file = settings.names
    return file.exists() and datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(tzinfo=None) > at


def create_table(connection: duckdb.DuckDBPyConnection, names: Collection[Name]) -> None:
    """Create the table `names` of a release."""
    columns = {name: "timestamp" if name.endswith("_at") else "varchar" for name in _COLUMNS if name != "listed_in"}
    items = ", ".join(f"unnest(?::{type_}[]) as {name}" for name, type_ in columns.items())
    values = [[_written(getattr(name, column)) or None for name in names] for column in columns]
    connection.execute(f"create table names as select {items}", values)
