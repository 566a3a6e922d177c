"""What the order route finds: a law with its errors, how it was chosen, and what is said of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.orders.almgren import Almgren
from models.impact.orders.cost import FittedLaw
from models.impact.orders.durations import DurationTest
from models.impact.orders.equations import COEFFICIENTS, Form
from models.inference.caveat import Caveat
from models.inference.covariance import Covariance

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OrderFit:
    """The law with its covariance, clustered by day, zeros for what was fixed.

    method: "two-step" or "joint"; form: how cost depends on duration; durations: the test that
    chose it, None where it was given; other: where that could not tell, the law of cost by size.
    n orders used, n_unfinished of them ended before they were done, n_excluded without size, scale
    or price; clusters: days. r2_*: share of the sum of squares explained, weighted, no intercept;
    scale_*: residual standard deviation over that of a Brownian price with the given volatility (1
    if all noise is such); correlation: of the two residuals. permanent_exponent: that of |X/V| in I
    when it is left free, with its clustered standard error; the law has 1.
    """

    method: str
    form: Form
    durations: DurationTest | None
    law: Almgren
    covariance: Covariance
    other: FittedLaw | None
    n: int
    n_unfinished: int
    n_excluded: int
    clusters: int
    r2_permanent: float
    r2_temporary: float
    scale_permanent: float
    scale_temporary: float
    correlation: float
    permanent_exponent: tuple[float, float]
    warnings: tuple[Caveat, ...]

    @property
    def values(self) -> Floats:
        """Return gamma, eta, delta, tau, (4,)."""
        return np.array([self.law.gamma, self.law.eta, self.law.delta, self.law.tau])

    @property
    def fitted(self) -> FittedLaw:
        """Return the law with its covariance."""
        return FittedLaw(self.law, self.covariance)

    def interval(self, level: float = 0.95) -> Floats:
        """Return the intervals, (2, 4), by Student's t with one less than the days.

        Source: Cameron, Miller 2015, "A practitioner's guide to cluster-robust inference", on few
        clusters.
        """
        reach = stats.t.ppf((1 + level) / 2, self.clusters - 1) * self.covariance.standard_errors
        return np.array([self.values - reach, self.values + reach])

    def summary(self) -> str:
        """Return the fit as a text table."""
        lines = [
            f"Impact by the order route, {self.method}, cost by {self._by}",
            f"orders {self.n}  unfinished {self.n_unfinished}  excluded {self.n_excluded}  days "
            f"{self.clusters}",
            f"R2 permanent {self.r2_permanent:.4f}  temporary {self.r2_temporary:.4f}  residual "
            f"over Brownian {self.scale_permanent:.2f}, {self.scale_temporary:.2f}  correlation "
            f"{self.correlation:+.2f}",
            "lasting impact with a free exponent: |X/V|^{:.3f}, s.e. {:.2g}".format(
                *self.permanent_exponent
            ),
            *self._tested(),
            f"{'':<8}{'estimate':>12}{'s.e.':>10}{'95 % interval':>24}",
        ]
        rows = zip(
            COEFFICIENTS,
            self.values,
            self.covariance.standard_errors,
            self.interval().T,
            strict=True,
        )
        for name, value, error, (low, high) in rows:
            interval = f"{low:.4g} .. {high:.4g}" if error else "fixed"
            lines.append(f"{name:<8}{value:>12.4g}{error:>10.2g}{interval:>24}")
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])

    @property
    def _by(self) -> str:
        return {"rate": "rate, tau = delta", "size": "size, tau = 0"}.get(
            self.form.duration, "size and duration"
        )

    def _tested(self) -> list[str]:
        test = self.durations
        if test is None or np.isnan(test.tau):
            return []
        return [
            f"both exponents free: |X/V|^{test.delta:.3f} (s.e. {test.delta_error:.2g}), "
            f"T^-{test.tau:.3f} (s.e. {test.tau_error:.2g}); p of cost by rate {test.p_rate:.2g}, "
            f"by size {test.p_size:.2g}"
        ]
