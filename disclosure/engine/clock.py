"""The clock behind the limit of a command: it counts what the processor gave us."""

import time
from collections.abc import Callable

_WALL = 20  # times as long on the wall, before that clock stops a run


def clock(seconds: float) -> Callable[[], float]:
    """Return how many seconds of the processor are left: beside a busy neighbour the same as alone.

    Far behind stands the clock on the wall, for a machine that hardly gives us anything.
    """
    begun, started = time.process_time(), time.monotonic()

    def left() -> float:
        used, waited = time.process_time() - begun, time.monotonic() - started
        return min(seconds - used, _WALL * seconds - waited)

    return left
