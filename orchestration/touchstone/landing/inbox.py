"""The files of a stream: in the inbox, in another folder, or in an object store."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from touchstone.console import printable
from touchstone.names import nearest
from touchstone.settings import SettingsMistake

# The packages of object stores, by protocol, each with our extra of it.
PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), ("s3fs", "s3")),
    **dict.fromkeys(("gs", "gcs"), ("gcsfs", "gcs")),
    **dict.fromkeys(("abfs", "abfss", "az"), ("adlfs", "azure")),
}
# The folder of a stream in the inbox for what nights fetch themselves.
FETCHED = "fetched"


@dataclass(frozen=True)
class Found:
    """A file of the inbox. `path` is below the location, as `shown` writes it.

    `stamp` changes when the file's content does; `stamp_now` reads it again, and raises FileNotFoundError if the file
    is gone.
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
    """All files below a location, by path; none if the location doesn't exist.

    Raises SettingsMistake for an object store whose package isn't installed.
    """
    if folder := local_folder(location):
        return sorted(_walk(folder), key=lambda entry: entry.path)
    filesystem, root = filesystem_of(str(location))
    return sorted(objects(filesystem, root, all_below(filesystem, root)), key=lambda entry: entry.path)


def exists(location: str) -> bool:
    """Whether the folder exists, or the object store has anything under that prefix."""
    if folder := local_folder(location):
        return folder.is_dir()
    filesystem, root = filesystem_of(location)
    return bool(filesystem.exists(root))


def shown(name: str) -> str:
    """A name that can be stored and printed: bytes that are not UTF-8, and what a terminal obeys, are escaped."""
    return printable(os.fsencode(name).decode("utf-8", "backslashreplace"))


def find_unread(inbox: Path, sources: list[str]) -> list[Refused]:
    """Files and folders of the inbox that no stream reads, each with the nearest name of a stream.

    Names that begin with a dot are skipped: programs leave such files, not people.
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
        return []  # reading the folder reports the error


def local_folder(location: str | Path) -> Path | None:
    """The folder of a location, or None for an object store."""
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
                    continue  # its files are found at their real path
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


def filesystem_of(location: str, of: str = "the setting locations") -> tuple[Any, str]:
    """fsspec's filesystem of a location, and the path in it. Messages say what it is `of`, and show no more of it than
    its protocol, as it may hold a password.

    Raises SettingsMistake where the package of it isn't installed, or nothing knows it.
    """
    protocol = str(fsspec.core.split_protocol(location)[0]).rpartition("::")[2]
    try:
        return cast(tuple[Any, str], fsspec.core.url_to_fs(location))
    except (ImportError, ValueError) as error:
        is_unknown = str(error).startswith("Protocol not known")
        if isinstance(error, ValueError) and not is_unknown:
            raise
        if protocol in PACKAGES:
            package, extra = PACKAGES[protocol]
            problem = f"needs the package {package}; pip install {package}, or Touchstone with its extra {extra}"
        else:
            problem = "is not known to fsspec; correct it" if is_unknown else f"needs a package: {error}"
    raise SettingsMistake(f"{protocol}:// of {of} {problem}")


def all_below(filesystem: Any, folder: str) -> list[Mapping[str, Any]]:
    """What a store says of all files below a folder, at any depth."""
    return [*filesystem.find(folder, detail=True).values()]


def objects(
    filesystem: Any, root: str, infos: Iterable[Mapping[str, Any]], named: Callable[[str], str] = shown
) -> Iterator[Found]:
    """The files of a store below `root`, but for the empty ones by which consoles show folders."""

    def found(path: str, info: Mapping[str, Any]) -> Found:
        def open_() -> BinaryIO:
            return cast(BinaryIO, filesystem.open(path, "rb"))

        def stamp_now() -> str:
            filesystem.invalidate_cache(filesystem._parent(path))
            return _stamp_of_object(filesystem.info(path))

        return Found(named(os.path.relpath(path, root)), _stamp_of_object(info), open_, stamp_now)

    for info in infos:
        if not info["name"].endswith("/"):
            yield found(info["name"], info)


def _stamp_of_object(info: Mapping[str, Any]) -> str:
    changed = info.get("ETag") or info.get("etag") or info.get("LastModified") or info.get("mtime") or ""
    return f"{info.get('size')}:{changed}"
