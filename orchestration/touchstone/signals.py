"""SIGINT and SIGTERM end a command at once, wherever it is."""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread

_ENDING = (signal.SIGINT, signal.SIGTERM)


def end_on_signals() -> None:
    """From now on, SIGINT and SIGTERM end this process at once, with a line that says so and 128 + their number as exit
    status, also where SIGINT was ignored, as in a shell's background job.

    Python's own way is an exception in the main thread. Dagster replaces its handlers, DuckDB makes another error of
    it, which a night takes for one of a system's, and dbt ends its threads in the middle of DuckDB's. What a killed
    command leaves is completed by the next one anyway, so that nothing has to be caught.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)  # which the interpreter writes to, whoever has replaced a handler
    for number in _ENDING:
        signal.signal(number, lambda *_: None)
    # The process in which Python counts semaphores, those of dbt's, outlives this one, and would warn of them.
    sys.warnoptions.append("ignore:resource_tracker")
    # Dagster sends what a step prints through a file and another process, which a signal to all of the group ends.
    terminal = os.dup(sys.stderr.fileno())
    Thread(target=_end, args=(read, terminal), name="signals", daemon=True).start()


def _end(read: int, terminal: int) -> None:
    while (number := os.read(read, 1)[0]) not in _ENDING:
        pass
    name = signal.Signals(number).name
    os.write(terminal, f"error: ended by {name}; what it has not finished, the next run completes\n".encode())
    os._exit(128 + number)
