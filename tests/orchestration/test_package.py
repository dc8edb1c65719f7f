"""The package as pip installs it: it works without the checkout, and importing it does nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import duckdb
import pytest

from touchstone.settings import PROJECT

# Every module; then what has changed by that.
_IMPORTS = """
import os, pkgutil
before = dict(os.environ)
import dagster, dagster_dbt
assert dict(os.environ) == before, "Dagster changes it"
import touchstone
for module in pkgutil.walk_packages(touchstone.__path__, "touchstone."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
import touchstone.__main__
assert dict(os.environ) == before
print(touchstone.__file__)
"""
_DEFINITIONS = """
from touchstone.definitions import defs
graph = defs().resolve_asset_graph()
print(len(graph.get_all_asset_keys()), len(graph.asset_check_keys))
"""


class Installed:
    """A virtual environment that has the package, and beside it the other packages of this one."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self.user = folder / "user"
        self.user.mkdir(parents=True)
        wheels = folder / "wheels"
        run = [sys.executable, "-m"]
        subprocess.run([*run, "hatchling", "build", "-t", "wheel", "-d", str(wheels)], cwd=PROJECT, check=True)
        subprocess.run([*run, "venv", "--without-pip", str(folder / "venv")], check=True)
        (wheel,) = wheels.iterdir()
        install = ["pip", "--quiet", "--python", str(self.bin / "python"), "install", "--no-deps", "--no-index"]
        subprocess.run([*run, *install, str(wheel)], check=True)
        (self.site,) = (folder / "venv" / "lib").glob("*/site-packages")
        (self.site / "others.pth").write_text(sysconfig.get_paths()["purelib"])

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command in an empty folder, of a user who has no files and no variables."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.user,
            env={"HOME": str(self.user), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
            capture_output=True,
            text=True,
        )

    def files(self) -> list[Path]:
        return sorted(path.relative_to(self.site) for path in (self.site / "touchstone").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"))


def test_the_whole_dbt_project_is_in_it(installed: Installed) -> None:
    folders = [PROJECT / name for name in ("macros", "models", "profiles", "seeds")]
    folders += [path for path in (PROJECT / "tests").iterdir() if path.name != "orchestration"]
    ours = {PROJECT / "dbt_project.yml", *(path for folder in folders for path in folder.rglob("*"))}
    expected = {path.relative_to(PROJECT) for path in ours if path.is_file() and path.suffix not in (".py", ".pyc")}
    project = Path("touchstone", "project")
    assert {path.relative_to(project) for path in installed.files() if project in path.parents} == expected


def test_importing_it_does_nothing(installed: Installed) -> None:
    before = installed.files()
    result = installed.run("python", "-c", _IMPORTS)
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()) == installed.site / "touchstone" / "__init__.py"
    assert list(installed.user.rglob("*")) == []
    assert installed.files() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["-m", "orchestration", "--help"], "the package is now touchstone"),
        (["-c", "import orchestration.definitions"], "the code location is now touchstone.definitions"),
    ],
)
def test_the_package_of_0_1_0_warns_of_its_new_name(old: list[str], new: str) -> None:
    result = subprocess.run([sys.executable, *old], cwd=PROJECT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f"FutureWarning: {new}" in result.stderr


def test_its_command_and_its_definitions_work(installed: Installed, tmp_path: Path) -> None:
    before = installed.files()
    assert "nightly" in installed.run("touchstone", "--help").stdout
    result = installed.run("touchstone", "summary")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("error: TOUCHSTONE_HOME isn't set")
    result = installed.run("python", "-c", _DEFINITIONS, TOUCHSTONE_HOME=str(tmp_path / "home"))
    assert result.returncode == 0, result.stderr
    assets, checks = map(int, result.stdout.split()[-2:])
    assert (assets > 200, checks > 200) == (True, True)
    assert list(installed.user.rglob("*")) == []
    assert installed.files() == before


def test_the_example_of_a_project_with_definitions_of_its_own_runs_in_it(installed: Installed, tmp_path: Path) -> None:
    """`dagster` on a copy of examples/dagster, with a configuration of the user's own."""
    project = shutil.copytree(PROJECT / "examples" / "dagster", tmp_path / "shop")
    theirs = tmp_path / "dagster"
    theirs.mkdir()
    configuration = "telemetry: {enabled: false}\nnux: {enabled: false}\n"
    (theirs / "dagster.yaml").write_text(configuration)
    variables = {"SHOP_DATA": str(tmp_path / "data"), "PYTHONPATH": str(project / "src"), "DAGSTER_HOME": str(theirs)}
    command = ["-m", "dagster", "asset", "materialize", "--select", "*", "-m", "shop.definitions"]
    result = installed.run("python", *command, **variables)
    assert result.returncode == 0, result.stderr[-5000:]
    with duckdb.connect(str(tmp_path / "data" / "shop.duckdb"), read_only=True) as connection:
        rows = connection.execute("select tag, delivered_count, round(opened_rate, 3) from campaigns").fetchall()
    assert rows == [("newsletter", 3, 0.667)]
    assert (theirs / "dagster.yaml").read_text() == configuration
    assert not (tmp_path / "data" / "touchstone" / "dagster").exists()
