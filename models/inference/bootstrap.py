"""The bootstrap of whole blocks of rows, for estimates whose errors are dependent within them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DrawMap = Callable[[Callable[[Ints], "Floats | None"], Iterable[Ints]], Iterable["Floats | None"]]


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Estimates on resampled blocks, (R, p), those that failed left out and counted."""

    estimates: Floats
    failed: int

    @property
    def covariance(self) -> Floats:
        """Return the covariance over the replicates, (p, p)."""
        return np.atleast_2d(np.cov(self.estimates, rowvar=False))

    @property
    def standard_errors(self) -> Floats:
        """Return the standard deviations over the replicates, (p,)."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float = 0.95) -> Floats:
        """Return the percentile intervals, (2, p)."""
        return np.quantile(self.estimates, [(1 - level) / 2, (1 + level) / 2], axis=0)


def block_bootstrap(
    estimate: Callable[[Ints], Floats],
    block: Ints,
    repetitions: int,
    seed: int,
    mapped: DrawMap = map,
) -> Bootstrap:
    """Estimate again on blocks drawn with replacement, as many as there are.

    estimate: row indices -> (p,), raising ValueError where it cannot; block: (n,) label of every
    row; mapped: runs the replicates, in parallel if it does.
    Raises: ValueError with fewer than two blocks, or when most replicates fail.
    Source: Cameron, Gelbach, Miller 2008, "Bootstrap-based improvements for inference with
    clustered errors", the pairs cluster bootstrap.
    """
    labels, code = np.unique(block, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(f"block: {len(labels)} found, at least 2 are needed to resample them")
    rows = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])
    drawn = np.random.default_rng(seed).integers(len(labels), size=(repetitions, len(labels)))
    draws = (np.concatenate([rows[one] for one in each]) for each in drawn)
    found = list(mapped(partial(_attempt, estimate), draws))
    known = [each for each in found if each is not None]
    if len(known) <= repetitions / 2:
        raise ValueError(
            f"block: {repetitions - len(known)} of {repetitions} replicates have no estimate"
        )
    return Bootstrap(np.array(known), repetitions - len(known))


def _attempt(estimate: Callable[[Ints], Floats], rows: Ints) -> Floats | None:
    try:
        return estimate(rows)
    except ValueError:
        return None
