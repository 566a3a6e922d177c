"""Placebos of the book route: states of other periods, and costs that no state moves."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.impact.book.cost_law import CostLawFit, Family, fit_law
from models.impact.book.walks import Cells
from models.impact.placebo.replicates import Estimates
from models.impact.placebo.shuffles import shuffle_within

Ints = NDArray[np.int64]
STATES = ("beta", "theta")
NOISE_SHAPE = 10.0  # of planted costs: a coefficient of variation of .3


def estimate_states(cells: Cells) -> Estimates:
    """Return beta and theta of the cost law.

    One that cannot be told from zero, or is negative, is 0 there.
    Raises: ValueError when nothing can be fitted.
    Source: `fit_law`.
    """
    fit = fit_law(cells, Family.SPREAD_POWER, int(cells.bucket.max()) + 1)
    places = [fit.names.index(name) for name in STATES]
    return Estimates(STATES, fit.values[places], fit.covariance.standard_errors[places])


def scrambled_states(cells: Cells, period: Ints, rng: np.random.Generator) -> Estimates:
    """Estimate with the states of another period of the same time-of-day bucket.

    period: (n,), the label of each cell's.
    """
    _, first, code = np.unique(period, return_index=True, return_inverse=True)
    other = first[shuffle_within(cells.bucket[first], rng)][code]
    return estimate_states(
        replace(cells, volatility=cells.volatility[other], thinness=cells.thinness[other])
    )


def planted_states(cells: Cells, law: CostLawFit, rng: np.random.Generator) -> Estimates:
    """Estimate with costs that no state moves.

    They are the law's alpha and k, times Gamma noise of the cell and of its cluster.
    """
    code = np.unique(cells.cluster, return_inverse=True)[1]
    noise = rng.gamma(NOISE_SHAPE, 1 / NOISE_SHAPE, code.max() + 1)[code] * rng.gamma(
        NOISE_SHAPE, 1 / NOISE_SHAPE, len(code)
    )
    excess = law.alpha[cells.bucket] * cells.size**law.k * noise
    return estimate_states(replace(cells, excess=excess, censored=np.zeros_like(excess)))
