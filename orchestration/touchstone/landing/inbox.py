"""Finds the files of a stream: in the inbox, in another folder, or in an object store."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from touchstone.console import printable
from touchstone.names import nearest


@dataclass(frozen=True)
class Found:
    """A file as the inbox shows it. `path` is below the location, as `shown` writes it.

    `stamp` changes when the file's content does; `stamp_now` looks again, and raises FileNotFoundError if it is gone.
    """

    path: str
    stamp: str
    open: Callable[[], BinaryIO]
    stamp_now: Callable[[], str]


@dataclass(frozen=True)
class Refused:
    """A path that can't be landed, with the reason and the remedy."""

    path: str
    reason: str


def find(location: str | Path) -> list[Found | Refused]:
    """Everything below a location, by path. A location that is absent holds nothing."""
    folder = _local(location)
    found = _walk(folder) if folder else _objects(str(location))
    return sorted(found, key=lambda entry: entry.path)


def exists(location: str) -> bool:
    """Whether there is such a folder, or anything in the object store under that prefix."""
    if folder := _local(location):
        return folder.is_dir()
    filesystem, root = fsspec.core.url_to_fs(location)
    return bool(filesystem.exists(root))


def shown(name: str) -> str:
    """A name as text that can be stored and printed: what is no UTF-8 and what a terminal obeys as escapes."""
    return printable(os.fsencode(name).decode("utf-8", "backslashreplace"))


def strays(inbox: Path, sources: list[str]) -> list[Refused]:
    """Files and folders of the inbox that no stream reads, each with the nearest right name.

    What begins with a dot is passed over: such files are left by programs, not by people.
    """
    systems = {source.split("/")[0] for source in sources}
    found = []
    for entry in _entries(inbox):
        if entry.name not in systems or not entry.is_dir():
            found.append(entry.name)
        else:
            found += [
                f"{entry.name}/{below.name}"
                for below in _entries(Path(entry.path))
                if f"{entry.name}/{below.name}" not in sources or not below.is_dir()
            ]
    return [Refused(shown(name), f"no stream reads it; {nearest(name, sources)}") for name in found]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted((e for e in os.scandir(folder) if not e.name.startswith(".")), key=lambda entry: entry.name)
    except OSError:
        return []  # whoever reads the folder says so


def _local(location: str | Path) -> Path | None:
    """The folder that a location is, unless it is in an object store."""
    if fsspec.core.split_protocol(str(location))[0] not in (None, "file", "local"):
        return None
    return Path(str(location).removeprefix("file://").removeprefix("local://"))


def _walk(top: Path) -> Iterator[Found | Refused]:
    root = top.resolve()
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Refused(shown(os.path.relpath(folder, top)), f"can't be listed: {error.strerror}")
            continue
        for entry in entries:
            path = Path(entry.path)
            name = shown(os.path.relpath(entry.path, top))
            try:
                if entry.is_symlink() and not Path(os.path.realpath(path, strict=True)).is_relative_to(root):
                    yield Refused(
                        name,
                        "a symbolic link out of the inbox is not followed; "
                        "copy the file in, or set the stream's location (TOUCHSTONE_LOCATIONS)",
                    )
                elif entry.is_symlink() and entry.is_dir():
                    continue  # what it holds is found where it really is
                elif entry.is_dir():
                    folders.append(path)
                else:
                    yield _file(name, path)
            except OSError as error:
                yield Refused(name, f"can't be read: {error.strerror or error}")


def _file(name: str, path: Path) -> Found | Refused:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Refused(name, "not a regular file; remove it from the inbox")
    return Found(name, _stamp(status), lambda: path.open("rb"), lambda: _stamp(path.stat()))


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"


def _objects(location: str) -> Iterator[Found]:
    filesystem, root = fsspec.core.url_to_fs(location)

    def found(path: str, info: dict[str, object]) -> Found:
        def open_() -> BinaryIO:
            return cast(BinaryIO, filesystem.open(path, "rb"))

        def stamp_now() -> str:
            filesystem.invalidate_cache(filesystem._parent(path))
            return _stamp_of_object(filesystem.info(path))

        return Found(shown(os.path.relpath(path, root)), _stamp_of_object(info), open_, stamp_now)

    for path, info in filesystem.find(root, detail=True).items():
        yield found(path, info)


def _stamp_of_object(info: dict[str, object]) -> str:
    changed = info.get("ETag") or info.get("etag") or info.get("LastModified") or info.get("mtime") or ""
    return f"{info.get('size')}:{changed}"
