"""Where the lake is: a folder, or a prefix of an object store, whose paths have the methods of a Path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import duckdb
import fsspec
from upath import UPath

from touchstone.landing.inbox import PACKAGES, filesystem_of, local_folder


def lake_at(location: str) -> Path:
    """The path of an address: a folder, or in an object store. Raises SettingsMistake where its package is missing."""
    if folder := local_folder(location):
        return folder
    filesystem_of(location, "the setting lake_location")
    # DuckDB asks for the ranges that it needs: a cache below it would fetch megabytes more around each.
    options = {"default_cache_type": "none"} if fsspec.core.split_protocol(location)[0] in PACKAGES else {}
    return cast(Path, UPath(location, **options))


def is_remote(lake: Path) -> bool:
    """Whether the lake is in an object store, where there are no folders, and nothing is forced to a disk."""
    return not isinstance(lake, Path)


def connect_lake(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Have a connection read and write the lake in an object store too; forgets what was listed of it before."""
    if is_remote(lake):
        filesystem = cast(Any, lake).fs
        filesystem.invalidate_cache()
        connection.register_filesystem(filesystem)


def lake_sizes(lake: Path, source: str = "") -> dict[str, int]:
    """The files of all streams, or of a source, by their paths in the lake: their bytes, unfinished ones included.

    An object store lists a thousand files in one request.
    """
    if not is_remote(lake):
        found = lake.glob(f"{source or '*/*'}/*.parquet*")
        return {str(path.relative_to(lake)): path.stat().st_size for path in found}
    filesystem, root = cast(Any, lake).fs, cast(Any, lake).path
    try:
        listed = filesystem.find(f"{root}/{source}".rstrip("/"), detail=True)
    except FileNotFoundError:
        return {}
    names = {path.removeprefix(f"{root}/"): info["size"] for path, info in listed.items()}
    return {name: size for name, size in names.items() if re.fullmatch(r"[^/]+/[^/]+/[^/]+\.parquet[^/]*", name)}


def lake_files(lake: Path, source: str = "") -> list[Path]:
    """The finished files of all streams, or of a source, with records."""
    return [lake / name for name in lake_sizes(lake, source) if re.search(r"/[0-9][^/]*\.parquet$", name)]
