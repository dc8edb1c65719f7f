"""CONTRIBUTING.md, followed: its blocks become files and changes of files in a copy of the project."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from touchstone.settings import PROJECT

# What dbt reads, and the package with the sample and the report.
_COPIED = ("dbt_project.yml", "macros", "models", "orchestration", "profiles", "seeds", "tests")


def copy_project(folder: Path) -> Path:
    """A copy of the project that can be changed and run."""
    for name in _COPIED:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder)
    return folder


def contributing() -> str:
    return (PROJECT / "CONTRIBUTING.md").read_text()


def blocks(section: str) -> Iterator[tuple[str, str, str]]:
    """The blocks of a section that have a path above them: path, language and text."""
    heading = ""
    pattern = re.compile(r"^## ([^\n]*)$|^(?:`(\S+)`\n\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for found in pattern.finditer(contributing()):
        heading = found[1] or heading
        if found[2] and heading == section:
            yield found[2], found[3], found[4]


def follow(section: str, project: Path) -> None:
    """Do what a section says. A change of a folder is one of the file that has the lines."""
    for name, language, text in blocks(section):
        path = project / name
        if language != "diff":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            continue
        for hunk in text.split("@@\n"):
            before, after = (without(hunk, marker) for marker in "+-")
            (file,) = [path] if path.is_file() else [f for f in path.rglob("*.sql") if before in f.read_text()]
            assert file.read_text().count(before) == 1, f"{name} has no place, or several, for\n{hunk}"
            file.write_text(file.read_text().replace(before, after))


def without(hunk: str, marker: str) -> str:
    """The lines of a diff but for those with a marker, as they stand in the file."""
    return "".join(line[1:] for line in hunk.splitlines(keepends=True) if not line.startswith(marker))
