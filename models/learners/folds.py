"""Folds that go forward in time: grouped by day, purged, with an embargo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
EMBARGO_NS = 900 * 1_000_000_000  # the memory of a book's costs, within a day


def forward_folds(
    start: Ints, end: Ints, group: Ints, number: int, embargo: int = EMBARGO_NS
) -> list[tuple[Ints, Ints]]:
    """Return (train, test) rows of at most `number` folds, each tested behind what it learns from.

    start, end, group: (n,), of what a row measures (ns), and its label, later ones larger. The
    latest groups are cut into test blocks of whole groups, at least one group left before the
    first; a row is trained on where it ended by the embargo before the block began. No fold where
    there is one group.

    Source: Lopez de Prado 2018, "Advances in Financial Machine Learning", section 7.4, for purging
    and the embargo, here with training rows of the past alone.
    """
    labels = np.unique(group)
    many = min(number, len(labels) - 1)
    if many < 1:
        return []
    size = max(1, len(labels) // (many + 1))
    folds = []
    for block in range(many):
        first = len(labels) - (many - block) * size
        test = np.flatnonzero(np.isin(group, labels[first : first + size]))
        past = (group < labels[first]) & (end + embargo <= start[test].min())
        if past.any():
            folds.append((np.flatnonzero(past), test))
    return folds
