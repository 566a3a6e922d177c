"""The two equations of the order route, in units of their errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.orders.almgren import TURNOVER_EXPONENT
from models.impact.orders.parent_orders import ParentOrders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
COEFFICIENTS = ("gamma", "eta", "delta", "tau")
RATE, SIZE, FREE = "rate", "size", "free"


@dataclass(frozen=True)
class Form:
    """How temporary cost depends on size and duration.

    duration: "rate" (tau = delta), "size" (tau = 0) or "free"; delta: fixed there if given.
    """

    duration: str = RATE
    delta: float | None = None

    def exponents(self, delta: float) -> tuple[float, float]:
        """Return delta and tau on the line of cost by rate or by size."""
        return delta, delta if self.duration == RATE else 0.0

    def exponents_at(self, delta: float, tau: float) -> tuple[float, float]:
        """Return both exponents where delta is moved: on the line, or with tau as it is."""
        return (delta, tau) if self.duration == FREE else self.exponents(delta)

    @property
    def tangent(self) -> Floats:
        """Return how the four coefficients follow from those estimated, (4, p)."""
        matrix = np.eye(4)
        if self.duration != FREE:
            matrix[3, 2] = float(self.duration == RATE)
            matrix = matrix[:, :3]
        return matrix if self.delta is None else matrix[:, :2]


@dataclass(frozen=True, eq=False)
class WeightedRows:
    """The two equations in units of their errors: y = gamma z, and w = eta u X^delta T^-tau.

    u: sgn(X) over the error's standard deviation; moved: what gamma adds to w of an order that
    moved the price and was not done; filled: share of the order that was traded.
    """

    y: Floats
    z: Floats
    w: Floats
    signed: Floats
    log_size: Floats
    log_duration: Floats
    moved: Floats
    filled: Floats
    day: Ints

    def power(self, delta: float, tau: float) -> Floats:
        """Return what eta multiplies, of whole orders, (n,)."""
        return self.signed * np.exp(delta * self.log_size - tau * self.log_duration)

    def part(self, delta: float, tau: float) -> Floats:
        """Return the share of a whole order's temporary cost that its traded part bears, (n,).

        A share f at the order's pace costs f X (f X)^delta (f T)^-tau.
        """
        traded = self.filled > 0
        return np.where(traded, np.where(traded, self.filled, 1.0) ** (1 + delta - tau), 0.0)

    def residuals(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the errors of both equations, (n,) each; values: the four coefficients."""
        gamma, eta, delta, tau = values
        second = eta * self.part(delta, tau) * self.power(delta, tau) + gamma * self.moved
        return self.y - gamma * self.filled * self.z, self.w - second

    def instruments(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the derivatives of a whole order's two means in the coefficients, (n, 4) each."""
        _, eta, delta, tau = values
        power = self.power(delta, tau)
        zero = np.zeros_like(power)
        second = [zero, power, eta * power * self.log_size, -eta * power * self.log_duration]
        return np.column_stack([self.z, zero, zero, zero]), np.column_stack(second)

    def slopes(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the derivatives of the two means of what was traded, (n, 4) each."""
        _, eta, delta, tau = values
        first, second = self.instruments(values)
        part = self.part(delta, tau)
        bent = eta * self.power(delta, tau) * np.log(np.where(part > 0, self.filled, 1.0))
        second[:, 0], second[:, 2], second[:, 3] = (
            0.0,
            second[:, 2] + bent,
            second[:, 3] - bent,
        )
        second *= part[:, None]
        second[:, 0] = self.moved
        return first * self.filled[:, None], second

    @property
    def censored(self) -> bool:
        """Tell whether some orders ended before they were done."""
        return bool((self.filled < 1).any())

    def completed(self, values: Floats) -> tuple[Floats, Floats]:
        """Return y and w as whole orders would have them: what is missing as the law says."""
        gamma, eta, delta, tau = values
        one, two = self.residuals(values)
        return one + gamma * self.z, two + eta * self.power(delta, tau)


def weighted_rows(orders: ParentOrders) -> WeightedRows:
    """Return both equations over the standard deviations that a Brownian price gives their errors.

    The variance of I is sigma^2 horizon, that of J - I/2 is sigma^2 (horizon / 4 - T / 6). Of an
    order that ended with a share f traded the means are gamma f z, and f^(1 + delta - tau) of the
    temporary cost plus f (1 - f) / 2 of the whole order's lasting impact.
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
    whole = orders.participation * turnover * orders.volatility
    filled = np.ones(len(orders)) if orders.filled is None else orders.filled
    return WeightedRows(
        y=orders.permanent / lasting,
        z=whole / lasting,
        w=(orders.paid - orders.permanent / 2) / passing,
        signed=np.sign(orders.participation) * orders.volatility / passing,
        log_size=np.log(np.abs(orders.participation)),
        log_duration=np.log(orders.duration),
        moved=whole / passing * filled * (1 - filled) / 2,
        filled=filled,
        day=orders.day,
    )
