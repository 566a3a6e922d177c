"""Random orders of rows, of signs and of blocks, each within its group."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def shuffle_within(group: Ints, rng: np.random.Generator) -> Ints:
    """Return a random order of the rows in which every row stays within its group, (n,)."""
    order = np.empty(len(group), dtype=np.int64)
    order[np.argsort(group, kind="stable")] = np.lexsort([rng.random(len(group)), group])
    return order


def shuffle_signs(value: Floats, group: Ints, rng: np.random.Generator) -> Floats:
    """Return the values with the signs of all but zeros in random order within the group, (n,)."""
    shuffled = value.copy()
    moved = np.flatnonzero(value)
    sign = np.sign(value[moved])
    shuffled[moved] = np.abs(value[moved]) * sign[shuffle_within(group[moved], rng)]
    return shuffled


def shuffle_blocks(group: Ints, length: int, rng: np.random.Generator) -> Ints:
    """Return an order of the rows with blocks of them in random order within the group, (n,).

    group: (n,), rows of one group together; length: of a block, rows in a row. A block may come to
    lie where it was: the mean over replicates of what is estimated from pairs of rows is then that
    of unrelated ones.
    Source: Carlstein 1986, "The use of subseries values for estimating the variance", for blocks.
    """
    begins = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    order = []
    for rows in np.split(np.arange(len(group)), begins[1:]):
        blocks = np.split(rows, np.arange(length, len(rows), length))
        order += [blocks[place] for place in rng.permutation(len(blocks))]
    return np.concatenate(order)
