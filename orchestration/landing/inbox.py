"""Finds the files of a stream: in the inbox, in another folder, or in an object store."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fsspec


@dataclass(frozen=True)
class Found:
    """A file as the inbox shows it. `stamp` changes when its content does; `path` is below the location.

    `fetch` gives the file on this machine's disk: itself, or a copy in the folder it is given.
    """

    path: str
    stamp: str
    fetch: Callable[[Path], Path]


@dataclass(frozen=True)
class Refused:
    """A path that can't be landed, with the reason and the remedy."""

    path: str
    reason: str


def find(location: str | Path) -> list[Found | Refused]:
    """Everything below a location, by path. A location that is absent holds nothing."""
    protocol = fsspec.core.split_protocol(str(location))[0]
    if protocol in (None, "file", "local"):
        root = Path(str(location).removeprefix("file://").removeprefix("local://"))
        return sorted(_walk(root, root, root.resolve()), key=lambda entry: entry.path)
    return sorted(_objects(str(location)), key=lambda entry: entry.path)


def content_hash(path: Path) -> str:
    """What a file is known by: BLAKE2b of its bytes, 16 bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _walk(folder: Path, top: Path, root: Path) -> Iterator[Found | Refused]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Refused(os.path.relpath(folder, top), f"can't be listed: {error.strerror}")
        return
    for entry in entries:
        path = Path(entry.path)
        name = os.path.relpath(entry.path, top)
        try:
            if entry.is_symlink() and not path.resolve(strict=True).is_relative_to(root):
                yield Refused(
                    name,
                    "a symbolic link out of the inbox is not followed; "
                    "copy the file in, or set the stream's location (TOUCHSTONE_LOCATIONS)",
                )
            elif entry.is_symlink() and entry.is_dir():
                continue  # what it holds is found where it really is
            elif entry.is_dir():
                yield from _walk(path, top, root)
            else:
                yield _file(name, path)
        except OSError as error:
            yield Refused(name, f"can't be read: {error.strerror or error}")


def _file(name: str, path: Path) -> Found | Refused:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Refused(name, "not a regular file; remove it from the inbox")
    with path.open("rb"):
        pass  # a file that can't be read is refused now, not in the middle of a batch
    stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"
    return Found(name, stamp, lambda scratch: path)


def _objects(location: str) -> Iterator[Found]:
    filesystem, root = fsspec.core.url_to_fs(location)
    for path, info in filesystem.find(root, detail=True).items():
        changed = info.get("ETag") or info.get("etag") or info.get("LastModified") or info.get("mtime") or ""

        def fetch(scratch: Path, path: str = path) -> Path:
            target = scratch / f"fetched-{hashlib.blake2b(path.encode(), digest_size=8).hexdigest()}"
            filesystem.get_file(path, str(target))
            return target

        yield Found(os.path.relpath(path, root), f"{info.get('size')}:{changed}", fetch)
