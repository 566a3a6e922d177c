"""Whether temporary cost goes by the rate of trading or by the size of the order."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.impact.orders.equations import FREE, RATE, SIZE, Form, WeightedRows
from models.impact.orders.least_squares import least_squares
from models.inference.caveat import Caveat

LEVEL = 0.01  # a right law that is rejected has a wrong interval
LEAST_SPREAD = 1e-3  # of log durations beyond what sizes tell of them: less is no variation


@dataclass(frozen=True)
class DurationTest:
    """delta and tau when both are free, their standard errors, and how well both laws stand.

    p_rate: of tau = delta, cost by rate; p_size: of tau = 0, cost by size; all NaN where durations
    do not vary apart from sizes.
    """

    delta: float
    tau: float
    delta_error: float
    tau_error: float
    p_rate: float
    p_size: float

    @property
    def told(self) -> str | None:
        """Return the law that is left, "free" where neither is, None where both are."""
        rate, size = (not p < LEVEL for p in (self.p_rate, self.p_size))
        if rate and size:
            return None
        return RATE if rate else SIZE if size else FREE

    def caveat(self) -> Caveat | None:
        """Say where the data do not tell one law from the other, or tell that it is neither."""
        if self.told in (RATE, SIZE):
            return None
        found = f"tau {self.tau:.3g}, s.e. {self.tau_error:.2g}, beside delta {self.delta:.3g}"
        if self.told == FREE:
            message = (
                f"cost goes neither by rate (p {self.p_rate:.2g}) nor by size (p {self.p_size:.2g})"
                f": {found}; a law with both exponents free is fitted"
            )
            return Caveat("duration_exponent_free", message)
        why = "durations hardly vary" if np.isnan(self.tau) else found
        message = (
            f"cost by rate is not told from cost by size ({why}): by rate is fitted, and both "
            "laws' costs are shown"
        )
        return Caveat("duration_not_told", message)


def duration_test(rows: WeightedRows) -> DurationTest:
    """Test cost by rate and by size against both exponents free, by clustered Wald tests."""
    blind = DurationTest(*[float("nan")] * 6)
    if not _varies(rows):
        return blind
    fit = least_squares(rows, Form(FREE))
    try:
        matrix = fit.covariance(rows)
    except np.linalg.LinAlgError:
        return blind
    _, _, delta, tau = fit.values
    between = matrix[2, 2] + matrix[3, 3] - 2 * matrix[2, 3]
    clusters = len(np.unique(rows.day))

    def p(value: float, variance: float) -> float:
        return float(2 * stats.t.sf(abs(value) / np.sqrt(variance), clusters - 1))

    if not (between > 0 and matrix[3, 3] > 0):
        return blind
    errors = np.sqrt(np.diag(matrix))
    return DurationTest(
        delta=float(delta),
        tau=float(tau),
        delta_error=float(errors[2]),
        tau_error=float(errors[3]),
        p_rate=p(delta - tau, between),
        p_size=p(tau, matrix[3, 3]),
    )


def _varies(rows: WeightedRows) -> bool:
    """Tell whether durations vary apart from what a line through sizes says of them."""
    size = rows.log_size - rows.log_size.mean()
    length = rows.log_duration - rows.log_duration.mean()
    square = float(np.sum(size**2))
    slope = float(np.sum(size * length)) / square if square > 0 else 0.0
    return float(np.std(length - slope * size)) > LEAST_SPREAD
