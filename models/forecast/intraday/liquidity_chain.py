"""The Markov chain of liquidity within the day, from the dynamics of its log deviation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binom

from models.forecast.intraday.dynamics import Dynamics

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chain:
    """A Markov chain over states of the log deviation from what is expected.

    deviation: (M,); transition: (M, M) chances of a period's moves; initial: (M,) chances now.
    """

    deviation: Floats
    transition: Floats
    initial: Floats

    @property
    def stationary(self) -> Floats:
        """Return the chance of each state in the long run, (M,)."""
        return np.asarray(binom.pmf(np.arange(len(self.deviation)), len(self.deviation) - 1, 0.5))


def discretise_liquidity(dynamics: Dynamics, states: int, variance: float) -> Chain:
    """Discretise an AR(1) so that its mean, variance and autocorrelation are kept exactly.

    states: >= 2; variance: of the deviation now (the stationary one before a day begins), whose
    mean is 0.
    Source: Rouwenhorst 1995; Kopecky, Suen 2010, "Finite state Markov-chain approximations to
    highly persistent processes", section 2.1.
    """
    stay = (1 + dynamics.phi) / 2
    transition = np.array([[stay, 1 - stay], [1 - stay, stay]])
    for size in range(3, states + 1):
        larger = np.zeros((size, size))
        larger[:-1, :-1] += stay * transition
        larger[:-1, 1:] += (1 - stay) * transition
        larger[1:, :-1] += (1 - stay) * transition
        larger[1:, 1:] += stay * transition
        larger[1:-1] /= 2
        transition = larger
    deviation = np.sqrt(dynamics.state_variance * (states - 1)) * np.linspace(-1, 1, states)
    edges = (deviation[1:] + deviation[:-1]) / 2
    below = np.concatenate([[0.0], ndtr(edges / np.sqrt(max(variance, 1e-12))), [1.0]])
    return Chain(deviation, transition, np.diff(below))
