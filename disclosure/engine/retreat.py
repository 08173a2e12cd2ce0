"""From everything withheld back to a pattern: what need not be withheld is shown, many cells at a time.

The last way but one: where neither cuts nor ways round came to a safe pattern within the limit. It can be
stopped after every step, and what it has then is safe.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.errors import Stopped
from disclosure.engine.tidy import Tidy

if TYPE_CHECKING:
    from disclosure.engine.master import Master

_NODES = 20  # of a search for whole numbers


def by_steps(master: "Master", values: np.ndarray) -> np.ndarray:
    """Show margins before tables, tables before lines, lines before cells, as far as that is safe in time.

    A block that cannot be shown whole is tried by halves, once all the larger ones were tried.
    """
    values = values.copy()
    budget = master.a.budget
    tidy = Tidy(master.a, master.full(values), whole=True, nodes=_NODES)
    waiting = list(_blocks(master, values))
    try:
        while waiting and not budget.far_over():
            places = waiting.pop(0)
            if tidy.show(*(int(c) for c in master.choice[places])):
                values[places] = 0.0
            elif len(places) > 1:
                middle = len(places) // 2
                waiting += [places[:middle], places[middle:]]
            tidy.cuts.clear()
    except Stopped:
        pass  # what was shown so far is safe
    return values


def _blocks(master: "Master", values: np.ndarray) -> Iterator[np.ndarray]:
    """Return the withheld cells, those of each table together, the dear ones of few dimensions first."""
    space, keys = master.a.problem.space, master.a.problem.keys
    tables: dict[tuple[int, ...], list[int]] = {}
    for place in np.flatnonzero(values > 0.5):
        dims = tuple(sorted(space.dims_of(keys[master.choice[place]])))
        tables.setdefault(dims if len(dims) > 1 else (), []).append(int(place))
    for dims in sorted(tables, key=lambda dims: (len(dims), dims)):
        yield np.array(sorted(tables[dims], key=lambda place: keys[master.choice[place]]))
