"""Estimates of many symbols, each drawn toward what they have in common as far as its own error
calls for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.caveat import Caveat
from models.inference.covariance import Covariance

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
SPARE = (
    3  # symbols beyond the coefficients of the centre: with fewer, shrinkage is not sure to help
)
FLOOR = 1e-8  # of the variance seen between symbols: the least that is searched for


@dataclass(frozen=True, eq=False)
class SymbolEstimates:
    """One symbol's estimates, in units in which symbols compare, with their errors.

    values: (p,); a parameter that was fixed, with NaN for value or zeros for covariance, is left
    out for this symbol. regressors: (q,), what the centre may depend on, the same q for all.

    Raises: ValueError naming the field.
    """

    symbol: str
    values: Floats
    covariance: Covariance
    regressors: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        size = len(self.covariance.names)
        if np.shape(self.values) != (size,) or self.covariance.matrix.shape != (size, size):
            raise ValueError(
                f"values: shape {np.shape(self.values)} for {size} names of {self.symbol}"
            )
        if not np.isfinite(self.regressors).all():
            raise ValueError(f"regressors: {self.regressors} of {self.symbol}, must be finite")

    @property
    def known(self) -> Marks:
        """Tell which parameters were estimated, (p,)."""
        return np.isfinite(self.values) & (np.diag(self.covariance.matrix) > 0)


@dataclass(frozen=True, eq=False)
class Pooled:
    """Every symbol's parameters given all symbols'.

    values, standard_errors, own_weight: (S, p); NaN where left out. own_weight: the weight of the
    symbol's own estimate in its pooled value, 1 without pooling. covariance: (S, p, p). centre,
    centre_errors: (p, 1 + q) coefficients of what symbols have in common. between: (p,) variance
    between symbols; NaN for a parameter that is not pooled. effective_dof: (p,) free values that
    the pooled ones amount to, from 1 + q to S. pull: (S, p) and response: (S, p, p) are the weights
    by which a symbol's other parameters follow.
    """

    names: tuple[str, ...]
    symbols: tuple[str, ...]
    values: Floats
    covariance: Floats
    own_weight: Floats
    centre: Floats
    centre_errors: Floats
    between: Floats
    pull: Floats
    response: Floats
    warnings: tuple[Caveat, ...]

    @property
    def standard_errors(self) -> Floats:
        """Return the posterior standard deviations, (S, p)."""
        variance = np.diagonal(self.covariance, axis1=1, axis2=2)
        return np.where(np.isfinite(self.values), np.sqrt(np.maximum(variance, 0.0)), np.nan)

    @property
    def effective_dof(self) -> Floats:
        """Return the sum over symbols of the weights of their own estimates, (p,)."""
        return np.nansum(self.own_weight, axis=0)

    def carried(
        self, symbol: str, values: Floats, covariance: Floats, jacobian: Floats
    ) -> tuple[Floats, Floats]:
        """Return all of a symbol's parameters, (P,), and their covariance, (P, P), given what
        pooling made of some.

        values, covariance: as estimated; jacobian: (p, P), derivative of the pooled parameters in
        all of them. What the pooled ones leave undetermined, as the shape of levels over the day,
        stays as estimated: its correlation with them is too poorly known from one symbol's clusters
        to move it.
        """
        place = self.symbols.index(symbol)
        response, lift = self.response[place], np.linalg.pinv(jacobian)
        error = jacobian @ covariance @ jacobian.T
        stay = np.eye(len(values)) - lift @ error @ response @ jacobian
        common = (
            error @ (response - response @ error @ response) @ error
        )  # the others' and the centre's part
        return values - lift @ error @ self.pull[
            place
        ], stay @ covariance @ stay.T + lift @ common @ lift.T

    def summary(self) -> str:
        """Return the fit as text."""
        lines = [
            f"Pooling across {len(self.symbols)} symbols (random effects, empirical Bayes)",
            f"{'':<14}{'centre':>12}{'s.e.':>10}{'sd between':>12}{'effective':>11}{'symbols':>9}",
        ]
        for j, name in enumerate(self.names):
            count, deviation = int(np.isfinite(self.values[:, j]).sum()), np.sqrt(self.between[j])
            lines.append(
                f"{name:<14}{self.centre[j, 0]:>12.4g}{self.centre_errors[j, 0]:>10.2g}"
                f"{deviation:>12.3g}"
                f"{self.effective_dof[j]:>11.2f}{count:>9}"
            )
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def pool(estimates: tuple[SymbolEstimates, ...]) -> Pooled:
    """Estimate how symbols vary around a common centre and return each one's posterior given its
    own estimate.

    theta_s ~ N(B (1, z_s), Omega), estimate_s ~ N(theta_s, V_s): the posterior mean is W_s = Omega
    (Omega + V_s)^-1 of the way from the centre to the estimate, and its covariance includes the
    centre's error. Omega is diagonal: the symbols of one run are too few for correlations, and
    errors that are correlated within a symbol still are. It is the mode of the restricted
    likelihood times each variance, which is never zero, so that symbols are not merged because a
    few happen to agree; its own error is not part of the covariances. A parameter that fewer than 4
    + q symbols estimate is not pooled: shrinkage to an estimated centre is sure to help from there
    on only.
    Raises: ValueError naming the argument.
    Source: Efron, Morris 1975, "Data analysis using Stein's estimator and its generalizations";
    Morris, Tang 2011, "Estimating random effects via adjustment for density maximization", section
    2.3, for Omega; Harville 1977 for the posterior and its covariance.
    """
    from scipy.optimize import minimize

    stack = _stacked(estimates)
    bounds, start = stack.search()
    pooled = stack.pooled
    between = np.full(len(pooled), np.nan)
    if pooled.any():
        found = minimize(
            stack.objective,
            start,
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"ftol": 1e-12},
        )
        between[pooled] = np.exp(found.x)
    fit = stack.posterior(np.nan_to_num(between, nan=1.0))
    covariance = stack.errors - stack.errors @ fit.response @ stack.errors
    own = 1 - np.einsum("sij,sji->si", stack.errors, fit.response)
    return Pooled(
        names=stack.names,
        symbols=tuple(one.symbol for one in estimates),
        values=np.where(
            stack.known, stack.values - np.einsum("sij,sj->si", stack.errors, fit.pull), np.nan
        ),
        covariance=covariance,
        own_weight=np.where(stack.known, own, np.nan),
        centre=fit.centre,
        centre_errors=fit.centre_errors,
        between=between,
        pull=fit.pull,
        response=fit.response,
        warnings=stack.caveats(),
    )


def at_reference_state(
    values: Floats, covariance: Floats, levels: Marks, beta: int, back: bool = False
) -> tuple[Floats, Floats]:
    """Return parameters and covariance with each log alpha replaced by log alpha + log(1 + beta),
    or the way back.

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


@dataclass(frozen=True, eq=False)
class _Posterior:
    """For each symbol S^-1 (y - X b), (S, p), and its derivative in y, (S, p, p); the centre; -2
    log likelihood.
    """

    pull: Floats
    response: Floats
    centre: Floats
    centre_errors: Floats
    deviance: float


@dataclass(frozen=True, eq=False)
class _Stack:
    """All symbols' estimates: values (S, p), 0 where unknown; errors V (S, p, p); known (S, p); z
    (S, 1 + q).
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
        """Return the adjusted restricted deviance of the pooled parameters' log variances, and its
        gradient.
        """
        between = np.ones(len(self.names))
        between[self.pooled] = np.exp(log_between)
        fit = self.posterior(between)
        slope = (np.einsum("sii->i", fit.response) - (fit.pull**2).sum(axis=0)) * between
        return fit.deviance - 2 * float(log_between.sum()), slope[self.pooled] - 2

    def posterior(self, between: Floats) -> _Posterior:
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
        return _Posterior(
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


def _stacked(estimates: tuple[SymbolEstimates, ...]) -> _Stack:
    if not estimates:
        raise ValueError("estimates: none given")
    names, width = estimates[0].covariance.names, len(estimates[0].regressors)
    for one in estimates:
        if one.covariance.names != names or len(one.regressors) != width:
            raise ValueError(
                f"estimates: {one.symbol} has other names or regressors than {estimates[0].symbol}"
            )
    if len({one.symbol for one in estimates}) < len(estimates):
        raise ValueError("estimates: a symbol is given twice")
    known = np.stack([one.known for one in estimates])
    return _Stack(
        names=names,
        values=np.where(known, np.stack([one.values for one in estimates]), 0.0),
        errors=np.where(
            known[:, :, None] & known[:, None, :],
            np.stack([one.covariance.matrix for one in estimates]),
            0.0,
        ),
        known=known,
        z=np.array([(1.0, *one.regressors) for one in estimates]),
    )
