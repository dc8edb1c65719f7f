"""Commands in processes that are forked from one in which Dagster and dbt are loaded: that takes a third
of the time of a small night.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Timer

from touchstone.settings import PROJECT

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["pytest", "touchstone.__main__", "touchstone.nightly", "touchstone.assets.marts"])


class Forked:
    """A command that runs, in a session of its own, with what it prints; as `subprocess.Popen` has it."""

    def __init__(
        self,
        command: Callable[[Sequence[str]], int],
        arguments: Sequence[str],
        environment: Mapping[str, str],
        in_background: bool = False,
    ) -> None:
        output, printed = _SERVER.Pipe(duplex=False)
        given = (command, arguments, dict(environment), in_background, printed)
        self._process = _SERVER.Process(target=_run, args=given)
        self._process.start()
        printed.close()
        self.stdout = os.fdopen(os.dup(output.fileno()))

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def communicate(self, timeout: float) -> tuple[str, None]:
        """What it prints, until its end, to which it is brought after so many seconds."""
        end = Timer(timeout, os.killpg, (self.pid, signal.SIGKILL))
        end.start()
        with self.stdout:
            output = self.stdout.read()
        self._process.join()
        end.cancel()
        return output, None


def _run(
    command: Callable[[Sequence[str]], int],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    in_background: bool,
    printed: Connection,
) -> None:
    os.setsid()
    for descriptor in (1, 2):
        os.dup2(printed.fileno(), descriptor)
    printed.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)
    signal.signal(signal.SIGINT, signal.SIG_IGN if in_background else signal.default_int_handler)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.exit(command(arguments))


def run_touchstone(arguments: Sequence[str]) -> int:
    from touchstone.__main__ import main

    sys.argv = ["touchstone", *arguments]
    return main()


def run_dbt_command(arguments: Sequence[str]) -> int:
    """With the project as the home has it parsed."""
    from touchstone.dbt import invoke
    from touchstone.manifest import read_parsed
    from touchstone.settings import Settings

    return int(not invoke(*arguments, manifest=read_parsed(Settings())).success)


def user_folder(home: Path) -> Path:
    """The empty home folder of the user who runs it."""
    folder = home.with_name("user")
    folder.mkdir(exist_ok=True)
    return folder


def start(home: Path, *arguments: str, in_background: bool = False, **environment: str) -> Forked:
    """Start a command, by default a night, as a shell would or as its background job."""
    surroundings = {**os.environ, "HOME": str(user_folder(home)), "TOUCHSTONE_HOME": str(home), **environment}
    return Forked(run_touchstone, arguments or ("nightly",), surroundings, in_background)


def run(home: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    process = start(home, *arguments, **environment)
    output, _ = process.communicate(timeout=900)
    return process.returncode, output
