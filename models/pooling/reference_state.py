"""Levels of cost as they are at the reference state, where symbols compare."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]


def at_reference_state(
    values: Floats, covariance: Floats, levels: Marks, beta: int, back: bool = False
) -> tuple[Floats, Floats]:
    """Return parameters and covariance with log alpha + log(1 + beta) for log alpha, or back.

    levels: (p,) marks the log alphas; beta: its place. At the reference volatility the law is that
    level's, so symbols compare whether beta is identified and what it is: alone, log alpha is as
    uncertain as beta, and jumps with it.
    Raises: ValueError when beta is not above -1.
    Source: the delta method, e.g. van der Vaart 1998, "Asymptotic Statistics", theorem 3.1.
    """
    if values[beta] <= -1:
        raise ValueError(
            f"values: beta is {values[beta]:.3g}, there is no cost at the reference volatility"
        )
    sign = -1.0 if back else 1.0
    jacobian = np.eye(len(values))
    jacobian[levels, beta] = sign / (1 + values[beta])
    return values + sign * np.log1p(values[beta]) * levels, jacobian @ covariance @ jacobian.T
