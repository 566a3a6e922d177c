"""The two equations of the order route, in units of their errors, and their least squares."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from models.impact.orders.almgren import TURNOVER_EXPONENT
from models.inference.covariance import clustered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST_DELTA, MOST_DELTA = 0.05, 2.0  # where the exponent is looked for
GRID = np.linspace(LEAST_DELTA, MOST_DELTA, 9)  # the profile may have two valleys
ROUNDS = 20  # of the joint fit's residual covariance; it settles in about 4


@dataclass(frozen=True, eq=False)
class ParentOrders:
    """One row an order (or a stock-day's imbalance); whatever is missing is NaN.

    participation (n,): X/V, positive when it buys; duration (n,): T, days; horizon (n,): time from
    the start to the price that permanent impact is read from, days, at least T; volatility (n,):
    sigma, 1 / day^(1/2); permanent (n,): I, that price over arrival less 1; paid (n,): J, the mean
    price of the fills over arrival less 1; day (n,): label of its day; inverse_turnover (n,):
    Theta/V, or None where shares outstanding are not known: gamma then contains the mean of its
    fourth root.
    """

    participation: Floats
    duration: Floats
    horizon: Floats
    volatility: Floats
    permanent: Floats
    paid: Floats
    day: Ints
    inverse_turnover: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse arrays of other lengths."""
        for name, value in vars(self).items():
            if value is not None and np.shape(value) != (len(self.participation),):
                raise ValueError(
                    f"{name}: shape {np.shape(value)}, participation has {len(self.participation)} "
                    "rows"
                )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.participation)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "ParentOrders":
        """Return these rows."""
        return replace(
            self, **{name: value[rows] for name, value in vars(self).items() if value is not None}
        )

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Return which rows have everything, a size and positive scales, (n,)."""
        given = [value for value in vars(self).values() if value is not None]
        positive = [self.duration, self.volatility]
        positive += [] if self.inverse_turnover is None else [self.inverse_turnover]
        with np.errstate(invalid="ignore"):
            sane = np.all([value > 0 for value in positive], axis=0) & (
                self.horizon >= self.duration
            )
        return np.asarray(np.isfinite(given).all(axis=0) & sane & (self.participation != 0))


@dataclass(frozen=True, eq=False)
class WeightedRows:
    """The two equations in units of their errors: y = gamma z, and w = eta u sgn rate^delta."""

    y: Floats
    z: Floats
    w: Floats
    signed: Floats  # sgn(X) over the error's standard deviation
    log_rate: Floats
    log_size: Floats
    day: Ints

    def take(self, rows: NDArray[np.bool_]) -> "WeightedRows":
        """Return these rows."""
        return WeightedRows(**{name: value[rows] for name, value in vars(self).items()})

    def power(self, delta: float) -> Floats:
        """Return what eta multiplies, (n,)."""
        return self.signed * np.exp(delta * self.log_rate)


@dataclass(frozen=True, eq=False)
class LeastSquaresFit:
    """The least-squares estimates of both equations, with their weights.

    values: gamma, eta, delta; weight: (2, 2), of the equations; spread: (2, 2), the covariance of
    their residuals; r2: of each; free: whether delta was estimated.
    """

    values: Floats
    weight: Floats
    spread: Floats
    r2: tuple[float, float]
    free: bool

    def design(self, rows: WeightedRows) -> tuple[Floats, Floats]:
        """Return the derivatives of the two means in gamma, eta and a free delta, each (n, p)."""
        _, eta, delta = self.values
        power = rows.power(delta)
        zero = np.zeros_like(power)
        second = [zero, power, eta * power * rows.log_rate]
        return np.column_stack([rows.z, zero, zero])[:, : 2 + self.free], np.column_stack(second)[
            :, : 2 + self.free
        ]

    def bread(self, rows: WeightedRows) -> Floats:
        """Return the derivative of the summed scores, up to its sign, (p, p)."""
        first, second = self.design(rows)
        cross = first.T @ second
        weight = self.weight
        return (
            weight[0, 0] * first.T @ first
            + weight[1, 1] * second.T @ second
            + weight[0, 1] * (cross + cross.T)
        )

    def covariance(self, rows: WeightedRows) -> Floats:
        """Return the clustered covariance, (3, 3), zeros for a fixed delta."""
        first, second = self.design(rows)
        one, two = _residuals(rows, self.values)
        scores = (
            first * (self.weight[0, 0] * one + self.weight[0, 1] * two)[:, None]
            + second * (self.weight[1, 1] * two + self.weight[0, 1] * one)[:, None]
        )
        matrix = np.zeros((3, 3))
        matrix[: 2 + self.free, : 2 + self.free] = clustered(self.bread(rows), scores, rows.day)
        return matrix


def weighted_rows(orders: ParentOrders) -> WeightedRows:
    """Return both equations over the standard deviations that a Brownian price gives their errors.

    The variance of I is sigma^2 horizon, that of J - I/2 is sigma^2 (horizon / 4 - T / 6).
    Raises: ValueError when no price moved.
    Source: Almgren, Thum, Hauptmann, Li 2005, the error terms of I and J - I/2, their variances
    worked out.
    """
    lasting = orders.volatility * np.sqrt(orders.horizon)
    passing = orders.volatility * np.sqrt(orders.horizon / 4 - orders.duration / 6)
    turnover = (
        1.0 if orders.inverse_turnover is None else orders.inverse_turnover**TURNOVER_EXPONENT
    )
    if not orders.permanent.any() or not (orders.paid - orders.permanent / 2).any():
        raise ValueError("permanent: no price differs from its arrival price")
    return WeightedRows(
        y=orders.permanent / lasting,
        z=orders.participation * turnover * orders.volatility / lasting,
        w=(orders.paid - orders.permanent / 2) / passing,
        signed=np.sign(orders.participation) * orders.volatility / passing,
        log_rate=np.log(np.abs(orders.participation) / orders.duration),
        log_size=np.log(np.abs(orders.participation)),
        day=orders.day,
    )


def _residuals(rows: WeightedRows, values: Floats) -> tuple[Floats, Floats]:
    gamma, eta, delta = values
    return rows.y - gamma * rows.z, rows.w - eta * rows.power(delta)


def _dot(one: Floats, other: Floats) -> float:
    # `@` starts threads, whose start costs more on busy cores
    return float(np.einsum("i,i->", one, other))


def moments(rows: WeightedRows, delta: float) -> Floats:
    """Return power's products with z, itself, w and y, summed, (4,).

    They are what the fit at this delta needs of power.
    """
    power = rows.power(delta)
    return np.array(
        [_dot(rows.z, power), _dot(power, power), _dot(power, rows.w), _dot(power, rows.y)]
    )


def reduction(rows: WeightedRows, sums: Floats, weight: Floats) -> tuple[Floats, float]:
    """Return gamma and eta at a delta, and by how much they reduce the sum of squares.

    sums: the moments at that delta; weight: (2, 2).
    """
    cross = weight[0, 1] * sums[0]
    normal = np.array(
        [[weight[0, 0] * _dot(rows.z, rows.z), cross], [cross, weight[1, 1] * sums[1]]]
    )
    right = np.array(
        [
            weight[0, 0] * _dot(rows.z, rows.y) + weight[0, 1] * _dot(rows.z, rows.w),
            weight[1, 1] * sums[2] + weight[0, 1] * sums[3],
        ]
    )
    found = np.linalg.solve(normal, right)
    return found, float(found @ right)


def _minimum(rows: WeightedRows, grid: list[Floats], delta: float | None, weight: Floats) -> Floats:
    if delta is None:
        best = int(np.argmax([reduction(rows, sums, weight)[1] for sums in grid]))
        around = (GRID[max(best - 1, 0)], GRID[min(best + 1, len(GRID) - 1)])
        delta = float(
            minimize_scalar(
                lambda each: -reduction(rows, moments(rows, each), weight)[1],
                bounds=around,
                method="bounded",
                options={"xatol": 1e-6},
            ).x
        )
    return np.append(reduction(rows, moments(rows, delta), weight)[0], delta)


def least_squares(rows: WeightedRows, joint: bool, delta: float | None) -> LeastSquaresFit:
    """Return the two-step fit or, from it, the joint one."""
    grid = [moments(rows, each) for each in GRID] if delta is None else []
    values = _minimum(rows, grid, delta, np.eye(2))
    spread = _spread(rows, values)
    weight: Floats = np.diag(1 / np.diag(spread))
    for _ in range(ROUNDS if joint else 0):
        weight = np.asarray(np.linalg.inv(spread), dtype=np.float64)
        before, values = values, _minimum(rows, grid, delta, weight)
        spread = _spread(rows, values)
        if np.allclose(values, before, rtol=1e-5, atol=1e-8):
            break
    one, two = _residuals(rows, values)
    r2 = (
        float(1 - _dot(one, one) / _dot(rows.y, rows.y)),
        float(1 - _dot(two, two) / _dot(rows.w, rows.w)),
    )
    return LeastSquaresFit(values, weight, spread, r2, delta is None)


def _spread(rows: WeightedRows, values: Floats) -> Floats:
    both = np.array(_residuals(rows, values))
    return np.asarray(np.einsum("in,jn->ij", both, both) / both.shape[1])
