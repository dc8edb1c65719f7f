"""Servers that tests start: PostgreSQL, and what waiting for any of them takes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import fsspec
import pytest


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def until(happens: Callable[[], bool], seconds: float = 240, pause: float = 0.5) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it doesn't happen"
        time.sleep(pause)


@contextmanager
def aws_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of AWS with nothing in it, which boto3's environment names, also that of commands."""
    from moto.server import ThreadedMotoServer

    store = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    store.start()
    host, port = store.get_host_and_port()
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()  # of what the server before held
    try:
        yield
    finally:
        store.stop()


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 server with an empty `bucket`, which the environment of object stores names."""
    with aws_server(monkeypatch):
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
        try:
            yield
        finally:
            fsspec.filesystem("s3").clear_instance_cache()


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server, with a superuser `dagster`; skips the test where none is installed."""
    programs = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *map(Path, filter(None, [shutil.which("initdb")]))]
    if not programs:
        pytest.skip("PostgreSQL is not installed here")
    bin_ = programs[0].resolve().parent
    port = free_port()
    folder = Path(tempfile.mkdtemp())  # the server's user can't look into pytest's
    (folder / "password").write_text("secret")
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user, user)
    data = folder / "data"
    create = [bin_ / "initdb", "-D", data, "-U", "dagster", "--auth", "scram-sha-256", "--pwfile", folder / "password"]
    subprocess.run(create, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    start = [bin_ / "postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "fsync=off"]
    server = subprocess.Popen(start, user=user, cwd=folder, stderr=subprocess.DEVNULL)
    ready = [bin_ / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "dagster"]
    try:
        until(lambda: subprocess.run(ready).returncode == 0, 30)
        yield f"postgresql://dagster:secret@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(folder)
