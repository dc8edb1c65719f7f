"""How extracts are written, and the count of what was."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from isal import igzip

from touchstone.sample.plan import Plan


@dataclass(slots=True)
class Written:
    """What a generator has written: event records, files, and bytes before and after compression."""

    records: int = 0
    files: int = 0
    bytes: int = 0
    stored_bytes: int = 0

    def add(self, other: "Written") -> None:
        self.records += other.records
        self.files += other.files
        self.bytes += other.bytes
        self.stored_bytes += other.stored_bytes


class Sink(Protocol):
    """Takes the lines of one day after the other; a line is a JSON object without its newline.

    With an hour, the lines were extracted in the part of the day that begins with it.
    """

    written: Written

    def write(self, day: int, kind: str, lines: list[str], hour: int | None = None) -> None: ...

    def close_day(self, day: int) -> None: ...


class Nowhere:
    """Keeps nothing: for events that are only counted."""

    def __init__(self) -> None:
        self.written = Written()

    def write(self, day: int, kind: str, lines: list[str], hour: int | None = None) -> None:
        pass

    def close_day(self, day: int) -> None:
        pass


class DayFiles:
    """A gzip file of newline-delimited JSON for each day, or part of one, and kind of extract."""

    def __init__(self, plan: Plan, system: str, stream: str, suffix: str) -> None:
        self.written = Written()
        self._plan, self._system, self._stream, self._suffix = plan, system, stream, suffix
        self._open: dict[Path, Any] = {}

    def write(self, day: int, kind: str, lines: list[str], hour: int | None = None) -> None:
        folder = self._plan.folder(self._system, self._stream, day, hour)
        path = folder / f"{kind}-{self._suffix}.ndjson.gz"
        if path not in self._open:
            folder.mkdir(parents=True, exist_ok=True)
            self._open[path] = open_gzip(path)
        data = ("\n".join(lines) + "\n").encode()
        self._open[path].write(data)
        self.written.records += len(lines)
        self.written.bytes += len(data)

    def close_day(self, day: int) -> None:
        for path, file in self._open.items():
            file.close()
            self.written.files += 1
            self.written.stored_bytes += path.stat().st_size
        self._open.clear()


def open_gzip(path: Path) -> Any:
    """A gzip file to write. Without mtime=0 no two runs would write the same bytes."""
    gzip_file: Any = igzip.IGzipFile  # has no types
    return gzip_file(str(path), "wb", compresslevel=1, mtime=0)


def write_file(path: Path, data: bytes, records: int) -> Written:
    """Write a whole file that holds so many event records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Written(records, 1, len(data), len(data))
