"""An object store, or a folder, as a target: Parquet files, and a small file that lists those of the release.

current.json                               which release readers see, and its files; replaced last
releases/<release>.json                    the same of each release that is kept
marts/<mart>/<month>-<digest>.parquet      never overwritten: releases share the files that stay the same
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import fsspec

from touchstone.console import without_passwords
from touchstone.landing.inbox import PACKAGES, filesystem_of
from touchstone.settings import Settings, SettingsMistake
from touchstone.targets import Part, Release, TargetFailed, Written


class ObjectStore:
    """A prefix of a bucket, or a folder. Readers take the list of files from current.json, and keep a release for as
    long as it is one of the last `keep_releases`, or of the last two.
    """

    name = "published_location"
    title = "Object store"
    kind = "parquet"

    def __init__(self, settings: Settings) -> None:
        self._location = settings.publish_location
        self._keep = max(settings.keep_releases, 2)  # a reader may be in the files of the one before
        # An address may hold a password.
        self.address = fsspec.core.split_protocol(self._location)[0] or "folder"

    def publish(self, release: Release) -> Written:
        with self._filesystem() as (filesystem, root):
            present = {posixpath.relpath(path, root): size for path, size in _sizes(filesystem, root).items()}
            parts = {_path(part): part for parts in release.parts.values() for part in parts.values()}
            written = Written()
            for path, part in parts.items():
                size = part.file.stat().st_size
                if present.get(path) != size:  # a process that died may have left a part of a local file
                    self._make_folder(filesystem, f"{root}/{path}")
                    filesystem.put_file(str(part.file), f"{root}/{path}")
                    written = Written(written.parts + 1, bytes=written.bytes + size)
            manifest = _manifest(release, parts)
            self._write(filesystem, f"{root}/releases/{release.name}.json", manifest)
            self._write(filesystem, f"{root}/current.json", manifest)
            self._delete_old(filesystem, root, release)
            return written

    def shown(self) -> str | None:
        with self._filesystem() as (filesystem, root):
            try:
                return str(json.loads(filesystem.cat_file(f"{root}/current.json"))["release"])
            except FileNotFoundError:
                return None

    @contextmanager
    def _filesystem(self) -> Iterator[tuple[Any, str]]:
        """The filesystem of the location, and the path in it. Errors of stores become TargetFailed."""
        try:
            filesystem, root = filesystem_of(self._location, "the setting publish_location")
            filesystem.invalidate_cache()
            yield filesystem, root.rstrip("/")
        except SettingsMistake as mistake:
            raise TargetFailed(str(mistake)) from None
        except Exception as error:  # stores have their own
            reason = without_passwords(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}", self._location)
            raise TargetFailed(
                f"{self.address}: {reason}; correct the setting publish_location or the store, and run nightly again"
            ) from None

    def _make_folder(self, filesystem: Any, path: str) -> None:
        if self.address not in PACKAGES:  # in an object store, this would create a bucket that isn't there
            filesystem.makedirs(posixpath.dirname(path), exist_ok=True)

    def _write(self, filesystem: Any, path: str, manifest: bytes) -> None:
        """Replace a file in one step, in a folder too."""
        self._make_folder(filesystem, path)
        filesystem.pipe_file(f"{path}.new", manifest)
        filesystem.mv(f"{path}.new", path)

    def _delete_old(self, filesystem: Any, root: str, release: Release) -> None:
        """Delete the lists beyond those that are kept, and their files that are in none of the rest. Nothing else is
        deleted, as others may have put it there.
        """
        lists = sorted(filesystem.glob(f"{root}/releases/*.json"))
        old = [path for path in lists[: -self._keep] if posixpath.basename(path) != f"{release.name}.json"]
        files = {path: _files(filesystem, path) for path in lists}
        needed = {file for path in lists if path not in old for file in files[path]}
        gone = {file for path in old for file in files[path]} - needed
        for path in [*(f"{root}/{file}" for file in sorted(gone)), *old]:
            if filesystem.exists(path):  # a process that died has deleted it
                filesystem.rm_file(path)


def _sizes(filesystem: Any, root: str) -> dict[str, int]:
    try:
        found = filesystem.find(root, detail=True)
    except FileNotFoundError:
        return {}
    return {path: info["size"] for path, info in found.items()}


def _files(filesystem: Any, path: str) -> set[str]:
    """The files of a list."""
    return {file["path"] for file in json.loads(filesystem.cat_file(path))["files"]}


def _path(part: Part) -> str:
    return f"marts/{part.mart}/{part.name}-{part.digest}.parquet"


def _manifest(release: Release, parts: dict[str, Part]) -> bytes:
    run = release.connection.sql("select * from run order by all").to_arrow_table().to_pylist()
    contents = {
        "release": release.name,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run,
        "files": [
            {"mart": part.mart, "part": part.name, "path": path, "bytes": part.file.stat().st_size}
            for path, part in parts.items()
        ],
    }
    return json.dumps(contents, indent=1, default=lambda value: value.isoformat()).encode()
