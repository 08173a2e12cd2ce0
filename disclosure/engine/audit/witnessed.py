"""Offered tables in the order of the audit's own unknowns; whether they agree is asked elsewhere."""

from collections.abc import Iterator

import numpy as np

from disclosure.engine.audit.universe import Universe, Unknowns
from disclosure.engine.audit.witness import Block, Witnesses


def offered(witnesses: Witnesses, unknowns: Unknowns) -> Iterator[np.ndarray]:
    """Yield each table; none where they are crossed in another way than here."""
    universe = unknowns.universe
    starts = np.cumsum([0, *(int(np.prod(block.shape)) for block in witnesses.blocks)])
    places: list[np.ndarray] = []
    for dims in unknowns.blocks:
        names = {universe.names[d] for d in dims}
        same = [n for n, block in enumerate(witnesses.blocks) if set(block.names) == names]
        order = _order(witnesses.blocks[same[0]], dims, universe) if same else None
        if order is None:
            return
        places.append(order + starts[same[0]])
    where = np.concatenate(places) if places else np.zeros(0, dtype=np.int64)
    for table in witnesses.tables:
        if len(table) == starts[-1]:
            yield np.asarray(table, dtype=float)[where]


def _order(block: Block, dims: tuple[int, ...], universe: Universe) -> np.ndarray | None:
    """Return where in a block each crossing stands, in our order; None if the codes are cut otherwise."""
    axes, there = [], []
    for d in dims:
        axis = block.names.index(universe.names[d])
        place: dict[int, int] = {}
        for number, leaves in enumerate(block.leaves[axis]):
            atoms = {universe.atom[d].get(leaf, -1) for leaf in leaves}
            if len(atoms) != 1 or atoms & {-1, *place}:
                return None
            place[atoms.pop()] = number
        if len(place) != universe.size[d]:
            return None
        axes.append(axis)
        there.append(np.array([place[atom] for atom in range(universe.size[d])]))
    flat = np.arange(int(np.prod(block.shape))).reshape(block.shape).transpose(axes)
    return flat[np.ix_(*there)].ravel() if dims else flat.ravel()
