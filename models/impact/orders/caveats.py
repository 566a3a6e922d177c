"""What a fit to parent orders has to say against itself."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.orders.equations import COEFFICIENTS, SIZE, Form, WeightedRows
from models.impact.orders.least_squares import (
    LEAST_DELTA,
    MOST_DELTA,
    LeastSquaresFit,
    Profile,
    least_squares,
)
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
FLAT = 2.706  # the 10 % point of chi-squared: a profile that rises less is flat
FEW_DAYS = 10
ODD_SCALE = 3.0  # times the Brownian noise, or a third of it
MOST_SHARE = 0.5  # of the information, in one day


def flatness(rows: WeightedRows, fit: LeastSquaresFit) -> str:
    """Return why the exponent of size cannot be told, "" if it can.

    That is the profile's rise to an end, deflated for clusters; tau stays where it is or follows.
    """
    ends, tau = (LEAST_DELTA, MOST_DELTA), float(fit.values[3])
    profile = Profile(rows, *rows.completed(fit.values), fit.weight)

    def gain(delta: float) -> float:
        return profile.best(*fit.form.exponents_at(delta, tau))[1]

    top, *at_ends = (gain(each) for each in (float(fit.values[2]), *ends))
    naive = np.linalg.pinv(fit.bread(rows))[2, 2]
    inflation = max(float(fit.covariance(rows)[2, 2] / naive), 1.0) if naive > 0 else 1.0
    rise, end = min(
        ((top - each) / inflation, end) for each, end in zip(at_ends, ends, strict=True)
    )
    if rise >= FLAT:
        return ""
    return (
        f"the profile is flat: at delta = {end:g} the deviance is {max(rise, 0.0):.2g} above its "
        f"least, at {fit.values[2]:.3g}"
    )


def free_permanent(rows: WeightedRows) -> tuple[float, float]:
    """Return the exponent of |X/V| in I and its standard error, fitted as the temporary part's.

    Source: Almgren, Thum, Hauptmann, Li 2005, who find .891 with standard error .10 and impose 1.
    """
    nothing = np.zeros_like(rows.y)
    lasting = replace(
        rows, w=rows.y, signed=rows.z * np.exp(-rows.log_size), log_duration=nothing, moved=nothing
    )
    fit = least_squares(lasting, Form(SIZE))
    return float(fit.values[2]), float(fit.covariance(lasting)[2, 2] ** 0.5)


def curvature(exponent: tuple[float, float], days: int) -> list[Caveat]:
    """Say where lasting impact is no line in size; exponent: as `free_permanent` returns it."""
    value, error = exponent
    if not abs(value - 1) > stats.t.ppf(0.975, days - 1) * error:
        return []
    message = (
        f"lasting impact is not linear in size: free exponent {value:.3g}, standard error "
        f"{error:.2g}; gamma is that of large orders, and the joint fit, which leans on the line, "
        "is biased: prefer the two-step one"
    )
    return [Caveat("permanent_not_linear", message)]


def noise(rows: WeightedRows, fit: LeastSquaresFit) -> list[Caveat]:
    """Say when the weights do not fit the data, or when one day carries a coefficient."""
    found = []
    for name, scale, part in zip(
        ("permanent", "temporary"),
        np.sqrt(np.diag(fit.spread)),
        (rows.z, rows.power(*fit.values[2:])),
        strict=True,
    ):
        if not 1 / ODD_SCALE < scale < ODD_SCALE:
            message = (
                f"residuals of {name} impact are {scale:.3g} times those of a Brownian price with "
                "the given volatility and durations: check their units; the weights are far from "
                "efficient"
            )
            found.append(Caveat("noise_not_brownian", message))
        code = np.unique(rows.day, return_inverse=True)[1]
        share = np.bincount(code, part**2) / (part @ part)
        if share.max() > MOST_SHARE:
            message = (
                f"{share.max():.0%} of what {name} impact is estimated from is of one day "
                f"({int((code == share.argmax()).sum())} orders): its standard error is too small"
            )
            found.append(Caveat("one_day_dominates", message))
    return found


def coefficient_caveats(values: Floats, errors: Floats, days: int) -> list[Caveat]:
    """Say where an estimate is of the wrong sign, or days are few."""
    found = []
    for name, value, error in zip(COEFFICIENTS[:2], values, errors, strict=False):
        if value < 0:
            message = (
                f"estimate {value:.3g}, standard error {error:.2g}: prices move against the orders"
            )
            found.append(Caveat(f"{name}_negative", message))
    if days < FEW_DAYS:
        message = f"{days} days are few: standard errors are rough, likely too small"
        found.append(Caveat("few_days", message))
    return found
