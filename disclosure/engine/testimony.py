"""What the search knows of a pattern, for the audit to check: tables that leave every small count open."""

import numpy as np

from disclosure.engine.attacker import Attacker, World
from disclosure.engine.audit.witness import Block, Witnesses
from disclosure.engine.space import Incidence

_MOST = 600  # tables


def testify(attacker: Attacker, withheld: np.ndarray) -> Witnesses:
    """Return tables in whole numbers that a pattern allows: one for each wish and each cell that moves."""
    incidence = attacker.problem.incidence
    shown = ~withheld
    there = [w for w in attacker.worlds if w.table is not None and not shown[w.moved].any()]
    tables = [_laid_out(incidence, w) for w in enough(there, len(attacker.wishes), len(withheld))[:_MOST]]
    return Witnesses(_blocks(incidence), tables)


def enough(worlds: list[World], wishes: int, cells: int) -> list[World]:
    """Pick worlds until every wish that one grants is granted, and every cell that one moves is moved."""
    granted, moved = np.zeros(wishes, dtype=bool), np.zeros(cells, dtype=bool)
    picked = []
    for world in reversed(worlds):
        if granted[world.grants].all() and moved[world.moved].all():
            continue
        granted[world.grants] = True
        moved[world.moved] = True
        picked.append(world)
    return picked


def _laid_out(incidence: Incidence, world: World) -> np.ndarray:
    full = np.zeros(incidence.width, dtype=np.int64)
    full[incidence.chosen] = world.table
    return full


def _blocks(incidence: Incidence) -> tuple[Block, ...]:
    space = incidence.space
    return tuple(
        Block(
            tuple(space.names[d] for d in sorted(block)),
            tuple(space.dims[d].leaves for d in sorted(block)),
        )
        for block in incidence.blocks
    )
