"""Work on segments beside each other, results in order. Hashes, ciphers and files let other threads run."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final, Generic, TypeVar

THREADS: Final = min(4, len(os.sched_getaffinity(0)))
AHEAD: Final = 2  # tasks that wait for each thread
Result = TypeVar("Result")


@cache
def _pool(process: int) -> ThreadPoolExecutor:  # by process id: threads do not survive a fork
    return ThreadPoolExecutor(THREADS, thread_name_prefix=f"segments-{process}")


class InOrder(Generic[Result]):
    """Takes tasks, does them beside each other, and gives their results in the order of the tasks.

    With one thread each task is done where it is given.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._waiting: deque[Future[Result]] = deque()
        self.most = AHEAD * threads if threads > 1 else 0

    def put(self, task: Callable[[], Result]) -> Iterator[Result]:
        """This will take a task, and give the results that must go before another can be taken."""
        if not self.most:
            yield task()
            return
        while len(self._waiting) >= self.most:
            yield self._waiting.popleft().result()
        self._waiting.append(self._submit(task))

    def rest(self) -> Iterator[Result]:
        """This will give all results still outstanding."""
        while self._waiting:
            yield self._waiting.popleft().result()

    def drop(self) -> None:
        """This will forget what was not begun yet, and wait for what was."""
        for future in self._waiting:
            if not future.cancel():
                future.exception()
        self._waiting.clear()

    def _submit(self, task: Callable[[], Result]) -> "Future[Result]":
        return _pool(os.getpid()).submit(task)


class Lane(InOrder[Result]):
    """Does its tasks one after the other, in a thread of its own: for what must keep its order."""

    def __init__(self, *, threaded: bool = True) -> None:
        super().__init__()
        self.most = AHEAD * AHEAD if threaded else 0
        self._own = ThreadPoolExecutor(1, thread_name_prefix="lane")  # starts nothing until it is used

    def rest(self) -> Iterator[Result]:
        """This will give all results still outstanding, and end the thread."""
        yield from super().rest()
        self._own.shutdown()

    def drop(self) -> None:
        """This will forget what was not begun yet, wait for what was, and end the thread."""
        super().drop()
        self._own.shutdown()

    def _submit(self, task: Callable[[], Result]) -> "Future[Result]":
        return self._own.submit(task)
