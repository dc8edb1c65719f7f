"""A home with a sample in it, and Superset on a free port that reads what is published there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from bi.home import PROJECT

_PIPELINE = PROJECT / ".venv" / "bin" / "python"


@dataclass(frozen=True)
class Pipeline:
    home: Path

    @property
    def database(self) -> Path:
        """The published file, by the link."""
        return self.home / "published" / "touchstone.duckdb"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [_PIPELINE, "-m", *arguments],
            cwd=PROJECT,
            env={**os.environ, "TOUCHSTONE_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> None:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output


@dataclass(frozen=True)
class Superset:
    address: str
    password: str
    user_home: Path
    session: requests.Session

    def get(self, path: str) -> Any:
        answer = self.session.get(self.address + path, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def charts(self) -> list[dict[str, Any]]:
        charts: list[dict[str, Any]] = self.get("/api/v1/chart/?q=(page_size:100)")["result"]
        return charts

    def rows(self, chart: int) -> list[dict[str, Any]]:
        """The result of the chart's query."""
        (result,) = self.get(f"/api/v1/chart/{chart}/data/")["result"]
        rows: list[dict[str, Any]] = result["data"]
        return rows

    def sql(self, statement: str) -> requests.Response:
        """SQL Lab's answer."""
        (database,) = self.get("/api/v1/database/")["result"]
        token = self.get("/api/v1/security/csrf_token/")["result"]
        return self.session.post(
            self.address + "/api/v1/sqllab/execute/",
            json={"database_id": database["id"], "sql": statement, "schema": "main", "runAsync": False},
            headers={"X-CSRFToken": token, "Referer": self.address},
            timeout=60,
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="FOLDER", help="save a picture of each dashboard there")


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    pipeline = Pipeline(tmp_path_factory.mktemp("home"))
    pipeline.run("touchstone", "sample-if-empty", "--events", "3000")
    pipeline.run("touchstone", "nightly")
    return pipeline


@pytest.fixture(scope="session")
def superset(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    user_home = tmp_path_factory.mktemp("user")
    log = tmp_path_factory.mktemp("log") / "superset.log"
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = str(listening.getsockname()[1])
    environment = {**os.environ, "TOUCHSTONE_HOME": str(pipeline.home), "PORT": port, "HOME": str(user_home)}
    with log.open("w") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "bi"], cwd=PROJECT, env=environment, stdout=lines, stderr=subprocess.STDOUT
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(process, address, log)
        yield _logged_in(address, (pipeline.home / "bi" / "password").read_text(), user_home)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise TimeoutError(log.read_text())


def _logged_in(address: str, password: str, user_home: Path) -> Superset:
    session = requests.Session()
    answer = session.post(
        f"{address}/api/v1/security/login",
        json={"username": "admin", "password": password, "provider": "db"},
        timeout=60,
    )
    assert answer.ok, answer.text
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return Superset(address, password, user_home, session)


@pytest.fixture(scope="session")
def chromium() -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("This test needs Chromium, which isn't installed. On Debian and Ubuntu: apt-get install chromium")
    return path
