"""Estimates of many symbols, each drawn toward what all have in common as its error calls for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.caveat import Caveat
from models.inference.covariance import Covariance
from models.pooling.random_effects import RandomEffects

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]


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
        """Return all of a symbol's parameters, (P,), and their covariance given the pooled ones.

        values, covariance: as estimated; jacobian: (p, P), derivative of the pooled parameters in
        all of them. What the pooled ones leave undetermined, as the shape of levels over the day,
        stays as estimated: its correlation with them is too poorly known from one symbol's clusters
        to move it.
        """
        place = self.symbols.index(symbol)
        response, lift = self.response[place], np.linalg.pinv(jacobian)
        error = jacobian @ covariance @ jacobian.T
        stay = np.eye(len(values)) - lift @ error @ response @ jacobian
        # the others' and the centre's part
        common = error @ (response - response @ error @ response) @ error
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
    """Estimate how symbols vary around a common centre, and each one's posterior.

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


def _stacked(estimates: tuple[SymbolEstimates, ...]) -> RandomEffects:
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
    return RandomEffects(
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
