"""Least squares of the order route's two equations, in two steps or jointly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from models.impact.orders.equations import FREE, RATE, SIZE, Form, WeightedRows
from models.inference.covariance import clustered

Floats = NDArray[np.float64]
LEAST_DELTA, MOST_DELTA = 0.05, 2.0  # where the exponent of size is looked for
TAU = (-1.0, 3.0)  # and that of duration
GRID = np.linspace(LEAST_DELTA, MOST_DELTA, 9)  # the profile may have two valleys
ROUNDS = 50  # of the residuals' covariance and of what unfinished orders lack; about 4 and 12


@dataclass(frozen=True, eq=False)
class LeastSquaresFit:
    """The estimates of both equations, with their weights.

    values: gamma, eta, delta, tau; weight: (2, 2), of the equations; spread: (2, 2), the covariance
    of their residuals; r2: of each, of whole orders; form: which of them were estimated.
    """

    values: Floats
    weight: Floats
    spread: Floats
    r2: tuple[float, float]
    form: Form

    def bread(self, rows: WeightedRows) -> Floats:
        """Return the derivative of the summed scores, up to its sign, (p, p)."""
        ours, theirs = rows.instruments(self.values), rows.slopes(self.values)
        summed = sum(
            self.weight[one, two] * np.einsum("ni,nj->ij", ours[one], theirs[two])
            for one in (0, 1)
            for two in (0, 1)
        )
        tangent = self.form.tangent
        return np.asarray(tangent.T @ summed @ tangent)

    def covariance(self, rows: WeightedRows) -> Floats:
        """Return the clustered covariance, (4, 4), zeros for what is fixed."""
        first, second = rows.instruments(self.values)
        one, two = rows.residuals(self.values)
        scores = (
            first * (self.weight[0, 0] * one + self.weight[0, 1] * two)[:, None]
            + second * (self.weight[1, 1] * two + self.weight[0, 1] * one)[:, None]
        )
        tangent = self.form.tangent
        inner = clustered(self.bread(rows), scores @ tangent, rows.day)
        return np.asarray(tangent @ inner @ tangent.T)


@dataclass(frozen=True, eq=False)
class Profile:
    """The weighted sum of squares at given exponents, of whole orders, gamma and eta at their best.

    y, w: of whole orders; weight: (2, 2).
    """

    rows: WeightedRows
    y: Floats
    w: Floats
    weight: Floats

    def best(self, delta: float, tau: float) -> tuple[Floats, float]:
        """Return gamma and eta, and by how much they reduce the sum of squares."""
        power, z, weight = self.rows.power(delta, tau), self.rows.z, self.weight
        cross = weight[0, 1] * _dot(z, power)
        normal = np.array(
            [[weight[0, 0] * _dot(z, z), cross], [cross, weight[1, 1] * _dot(power, power)]]
        )
        right = np.array(
            [
                weight[0, 0] * _dot(z, self.y) + weight[0, 1] * _dot(z, self.w),
                weight[1, 1] * _dot(power, self.w) + weight[0, 1] * _dot(power, self.y),
            ]
        )
        found = np.linalg.solve(normal, right)
        return found, float(found @ right)

    def line(self, form: Form) -> tuple[float, float]:
        """Return the best exponents of cost by rate or by size, delta fixed where the form has."""
        if form.delta is not None:
            return form.exponents(form.delta)

        def gain(delta: float) -> float:
            return self.best(*form.exponents(delta))[1]

        at = int(np.argmax([gain(each) for each in GRID]))
        around = (GRID[max(at - 1, 0)], GRID[min(at + 1, len(GRID) - 1)])
        found = minimize_scalar(
            lambda each: -gain(each), bounds=around, method="bounded", options={"xatol": 1e-6}
        )
        return form.exponents(float(found.x))

    def free(self) -> tuple[float, float]:
        """Return the best delta and tau, searched from the better of both lines."""
        start = max(
            (self.line(Form(name)) for name in (RATE, SIZE)), key=lambda at: self.best(*at)[1]
        )
        found = minimize(
            self._slope,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=((LEAST_DELTA, MOST_DELTA), TAU),
            options={"ftol": 1e-12, "gtol": 1e-6},
        )
        return float(found.x[0]), float(found.x[1])

    def _slope(self, at: Floats) -> tuple[float, Floats]:
        """Return what is minimised and its derivative, gamma and eta at their best."""
        (gamma, eta), gain = self.best(*at)
        power = self.rows.power(*at)
        one, two = self.y - gamma * self.rows.z, self.w - eta * power
        pull = -2 * eta * (self.weight[1, 1] * two + self.weight[0, 1] * one) * power
        return -gain, np.array(
            [_dot(pull, self.rows.log_size), -_dot(pull, self.rows.log_duration)]
        )

    def values(self, form: Form) -> Floats:
        """Return the four coefficients under a form."""
        at = self.free() if form.duration == FREE else self.line(form)
        return np.append(self.best(*at)[0], at)


def least_squares(rows: WeightedRows, form: Form, joint: bool = False) -> LeastSquaresFit:
    """Return the two-step fit or, from it, the joint one.

    Orders that ended before they were done enter as they would have been when done: what is
    missing is what the law says of it, until the law stays. That solves the moment equations in
    which the order as it was meant is the instrument of what was traded of it, so that it may have
    ended because of how the price went.
    Source: Buckley, James 1979, "Linear regression with censored data", for the completion;
    Angrist, Imbens, Rubin 1996, "Identification of causal effects using instrumental variables".
    """
    y, w, weight = rows.y, rows.w, np.eye(2)
    values = Profile(rows, y, w, weight).values(form)
    spread = _spread(rows, values)
    for _ in range(ROUNDS if joint or rows.censored else 0):
        weight = np.asarray(np.linalg.inv(spread)) if joint else np.diag(1 / np.diag(spread))
        y, w = rows.completed(values)
        before, values = values, Profile(rows, y, w, weight).values(form)
        spread = _spread(rows, values)
        if np.allclose(values, before, rtol=1e-5, atol=1e-8):
            break
    if not joint:
        weight = np.diag(1 / np.diag(spread))
    one, two = rows.residuals(values)
    y, w = rows.completed(values)
    r2 = (float(1 - _dot(one, one) / _dot(y, y)), float(1 - _dot(two, two) / _dot(w, w)))
    return LeastSquaresFit(values, weight, spread, r2, form)


def _dot(one: Floats, other: Floats) -> float:
    # `@` starts threads, whose start costs more on busy cores
    return float(np.einsum("i,i->", one, other))


def _spread(rows: WeightedRows, values: Floats) -> Floats:
    both = np.array(rows.residuals(values))
    return np.asarray(np.einsum("in,jn->ij", both, both) / both.shape[1])
