"""Facts that hang together, apart from those that have nothing to do with them.

Whatever fits one piece goes with whatever fits another, so each is looked at alone: a project of fifty
releases is then fifty small problems. A fact that others add up to says nothing new, and ties nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from disclosure.engine.audit.closure import Sum


def implied(
    facts: sparse.csr_matrix, low: np.ndarray, high: np.ndarray, along: "Sequence[Sum]"
) -> np.ndarray:
    """Mark the exact facts that are sums of other exact facts, entry by entry and in their value.

    The parts count fewer people than the whole, so what is marked never leans on itself.
    """
    marked = np.zeros(facts.shape[0], dtype=bool)
    exact = low == high
    told = [line for line in along if exact[line.whole] and exact[line.parts].all()]
    told = [line for line in told if low[line.parts].sum() == low[line.whole]]
    if not told:
        return marked
    height = np.repeat(np.arange(len(told)), [1 + len(line.parts) for line in told])
    columns = np.concatenate([np.concatenate(([line.whole], line.parts)) for line in told])
    signs = np.concatenate([np.concatenate(([1.0], -np.ones(len(line.parts)))) for line in told])
    shape = (len(told), facts.shape[0])
    rest = sparse.csr_matrix((signs, (height, columns)), shape=shape) @ facts
    differs = np.asarray(abs(rest).sum(axis=1)).ravel() != 0
    larger = np.diff(facts.indptr)
    for line, other in zip(told, differs, strict=True):
        if not other and (larger[line.parts] < larger[line.whole]).all():
            marked[line.whole] = True
    return marked


def split(facts: sparse.csr_matrix) -> np.ndarray:
    """Number the pieces, and say in which each unknown is; those that no fact names go with the first."""
    height, width = facts.shape
    above = sparse.bmat([[None, facts], [facts.T, None]]).tocsr() if height else None
    if above is None:
        return np.zeros(width, dtype=np.int64)
    _, label = connected_components(above, directed=False)
    inside = label[height:].astype(np.int64)
    inside[np.diff(facts.tocsc().indptr) == 0] = inside[facts.indices[0]] if facts.nnz else 0
    _, numbered = np.unique(inside, return_inverse=True)
    return np.asarray(numbered, dtype=np.int64)
