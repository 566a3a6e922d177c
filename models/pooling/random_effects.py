"""The random-effects model of many symbols: its restricted likelihood and its posterior."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
# symbols beyond the coefficients of the centre: with fewer, shrinkage is not sure to help
SPARE = 3
FLOOR = 1e-8  # of the variance seen between symbols: the least that is searched for


@dataclass(frozen=True, eq=False)
class Posterior:
    """What the estimates y say of the symbols' parameters.

    pull: S^-1 (y - X b) by symbol, (S, p); response: its derivative in y, (S, p, p); the centre b
    with its errors, (p, 1 + q); deviance: -2 log likelihood.
    """

    pull: Floats
    response: Floats
    centre: Floats
    centre_errors: Floats
    deviance: float


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """All symbols' estimates as draws around a common centre.

    values: (S, p), 0 where unknown; errors: V, (S, p, p); known: (S, p); z: (S, 1 + q).
    """

    names: tuple[str, ...]
    values: Floats
    errors: Floats
    known: Marks
    z: Floats

    @property
    def pooled(self) -> Marks:
        """Tell which parameters enough symbols estimate to pool them, (p,)."""
        least = self.z.shape[1] + SPARE
        return np.array(
            [
                known.sum() >= least and np.linalg.matrix_rank(self.z[known]) == self.z.shape[1]
                for known in self.known.T
            ]
        )

    @property
    def used(self) -> Marks:
        """Tell which values are pooled, (S, p)."""
        return self.known & self.pooled

    def search(self) -> tuple[list[tuple[float, float]], Floats]:
        """Return the bounds of the log variances of the pooled parameters and where to start."""
        bounds, start = [], []
        for j in np.flatnonzero(self.pooled):
            value, error = self.values[self.known[:, j], j], self.errors[self.known[:, j], j, j]
            seen = value.var(ddof=1)
            whole = seen + error.mean()
            bounds.append((float(np.log(FLOOR * whole)), float(np.log(1e4 * whole))))
            start.append(np.log(max(seen - error.mean(), 0.1 * whole)))
        return bounds, np.array(start)

    def objective(self, log_between: Floats) -> tuple[float, Floats]:
        """Return the adjusted restricted deviance of pooled log variances, and its gradient."""
        between = np.ones(len(self.names))
        between[self.pooled] = np.exp(log_between)
        fit = self.posterior(between)
        slope = (np.einsum("sii->i", fit.response) - (fit.pull**2).sum(axis=0)) * between
        return fit.deviance - 2 * float(log_between.sum()), slope[self.pooled] - 2

    def posterior(self, between: Floats) -> Posterior:
        """Return the posterior given the variances between symbols, (p,)."""
        used = self.used.astype(np.float64)
        both = used[:, :, None] * used[:, None, :]
        size, coefficients = len(self.names), self.z.shape[1]
        total = self.errors * both + np.eye(size) * np.where(self.used, between, 1.0)[:, None, :]
        design = (
            np.eye(size)[None, :, :, None] * self.z[:, None, None, :] * used[:, :, None, None]
        ).reshape(len(used), size, size * coefficients)
        inverse = np.linalg.inv(total)
        weighted = inverse @ design
        precision = np.einsum("spi,spj->ij", design, weighted)
        some = np.diag(precision) > 0
        spread = np.zeros_like(precision)
        spread[np.ix_(some, some)] = np.linalg.inv(precision[np.ix_(some, some)])
        centre = spread @ np.einsum("spi,sp->i", weighted, self.values * used)
        response = (inverse - weighted @ spread @ np.swapaxes(weighted, 1, 2)) * both
        pull = np.einsum("spq,sq->sp", inverse, (self.values - design @ centre) * used)
        deviance = (
            np.linalg.slogdet(total)[1].sum()
            + np.linalg.slogdet(precision[np.ix_(some, some)])[1]
            + (pull * self.values).sum()
        )
        shape = (size, coefficients)
        unknown = np.where(some, 1.0, np.nan)
        return Posterior(
            pull,
            response,
            (centre * unknown).reshape(shape),
            (np.sqrt(np.diag(spread)) * unknown).reshape(shape),
            float(deviance),
        )

    def caveats(self) -> tuple[Caveat, ...]:
        """Say which parameters are not pooled."""
        alone = [name for name, pooled in zip(self.names, self.pooled, strict=True) if not pooled]
        if not alone:
            return ()
        least, symbols = self.z.shape[1] + SPARE, len(self.values)
        same = ", or their regressors agree" if self.z.shape[1] > 1 else ""
        reason = (
            f"{symbols} symbols are too few to pool"
            if symbols < least
            else f"fewer than {least} symbols estimate {', '.join(alone)}{same}"
        )
        return (Caveat("not_pooled", f"{reason}: each keeps its own"),)
