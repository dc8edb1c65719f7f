"""Work spread over processes, with a count of what is done."""

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# One count for all processes; each gets it when it starts.
_done: Any = None


def advance(records: int) -> None:
    """Tell that so many more records were written. To be called by the work itself."""
    if _done is not None:
        with _done.get_lock():
            _done.value += records


def _share(done: Any) -> None:
    global _done
    _done = done


class Workers:
    """Runs tasks in up to `jobs` processes. What they return is in the tasks' order, however many run."""

    def __init__(self, jobs: int, expected_records: int) -> None:
        self._jobs = jobs
        self._expected = expected_records
        self._visible = sys.stderr.isatty()
        # Fresh processes rather than forks: a fork copies the caller's threads' locks, and hangs on them.
        self._context = multiprocessing.get_context("spawn")
        self._count = self._context.Value("q", 0)

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        """The result of `work` for each task. `work` and tasks must be picklable if there are several jobs."""
        jobs = min(self._jobs, len(tasks))
        if jobs <= 1 and not self._visible:
            return [work(task) for task in tasks]
        # Not a Pool: to end one, its processes are killed, and one that is just reading its queue may hang then.
        with ProcessPoolExecutor(max(jobs, 1), self._context, _share, (self._count,)) as pool:
            running = [pool.submit(work, task) for task in tasks]
            while self._visible and wait(running, 0.5).not_done:
                self._show()
            results = [each.result() for each in running]
        self._clear()
        return results

    def _show(self) -> None:
        done = self._count.value
        share = min(done / max(self._expected, 1), 1)
        sys.stderr.write(f"\r{share:4.0%} {done:,} records")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._visible:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
