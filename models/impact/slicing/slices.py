"""What an order costs in several child slices within a period, and how many to use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.slicing.refill import RefillFit
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
LEAST_SPACING = 2.0  # seconds between children: well above the time an order and its cancel take
# of the cost: fewer children are better as long as they cost no more than this above the best
TOLERANCE = 0.05
# of the period: with a longer half-life over a quarter of a hole at its start is open at its end
SLOW = 0.5
STEP = 1e-5  # of numerical derivatives, in k, log half-life and lasting share


@dataclass(frozen=True)
class SliceLimits:
    """The period's length, seconds; the order worked within it and the smallest child, both shares.

    Raises: ValueError naming the field.
    """

    period_seconds: float
    order_size: float
    least_child: float

    def __post_init__(self) -> None:
        for name in ("period_seconds", "order_size", "least_child"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name}: {getattr(self, name)}, must be finite and above 0")

    @property
    def most(self) -> int:
        """Return the largest number of children that keeps least spacing and least size."""
        return max(
            1, int(min(self.period_seconds / LEAST_SPACING, self.order_size / self.least_child))
        )


@dataclass(frozen=True)
class SlicePlan:
    """An order in equal child slices, spacing_seconds apart, and what they cost.

    The cost above the spread is factor times the plain law's. half_life: seconds, and lasting:
    share, of the book's refill. factor_error: from the errors of k and of the refill; derivative_k
    and refill_error: the derivative of log factor in k, and its standard error from the refill
    alone, by which errors of log alpha are carried over.
    """

    slices: int
    spacing_seconds: float
    half_life: float
    lasting: float
    factor: float
    factor_error: float
    derivative_k: float
    refill_error: float
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the plan as text."""
        lines = [
            f"Slices within a period: {self.slices}, {self.spacing_seconds:.3g} s apart",
            f"half-life {self.half_life:.3g} s  lasting share {self.lasting:.3g}",
            f"cost factor {self.factor:.4g}  s.e. {self.factor_error:.2g}",
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def slice_factor(
    slices: int, spacing: float, half_life: float, lasting: float, k: Floats
) -> Floats:
    """Return the cost of an order in equal slices over its cost at once.

    The result has the shape of k. spacing, half_life: seconds; half_life may be infinite. Child j
    starts where the earlier ones have left the book, rho_j child sizes deep; the hole of each
    closes with the half-life but for its lasting share: factor = m^-k sum_j [(1 + rho_j)^k -
    rho_j^k], rho_j = sum_{i<j} lasting + (1 - lasting) 2^(-(j - i) spacing / tau). It is m^(1-k)
    when the book is whole again before each child, and 1 when nothing comes back.
    Raises: ValueError when slices is below 1.
    Source: Obizhaeva, Wang 2013, "Optimal trading strategy and supply/demand dynamics", eq.
    (5)-(7); Alfonsi, Fruth, Schied 2010, "Optimal execution strategies in limit order books with
    general shape functions", model 1, here with the power-law shape.
    """
    if slices < 1:
        raise ValueError(f"slices: {slices}, at least 1 is needed")
    left = lasting + (1 - lasting) * np.exp2(-np.arange(1, slices) * spacing / half_life)
    depth = np.concatenate([[0.0], np.cumsum(left)])
    power = np.asarray(k, dtype=np.float64)[..., None]
    return np.asarray(
        ((1 + depth) ** power - depth**power).sum(axis=-1) * float(slices) ** -power[..., 0]
    )


def plan_slices(
    k: float, k_error: float, refill: RefillFit, limits: SliceLimits, slices: int | None
) -> SlicePlan:
    """Choose how many slices to use, or take the number given, and say what they cost.

    k: exponent of total cost, k_error: its standard error, 0 where fixed; slices: None chooses the
    fewest whose cost is within 5 % of the least that the limits allow. The errors of k and of the
    refill are taken to be independent: they come from different measurements.
    Raises: ValueError naming the argument.
    Source: the delta method, e.g. van der Vaart 1998, "Asymptotic Statistics", theorem 3.1.
    """
    if slices is not None and slices < 1:
        raise ValueError(f"slices: {slices}, at least 1 is needed")
    number = _fewest(k, refill, limits) if slices is None else slices
    spacing = limits.period_seconds / number
    slope = _slope(number, spacing, k, refill)
    variance = float(slope[1:] @ _refill_covariance(refill) @ slope[1:])
    factor = float(slice_factor(number, spacing, refill.half_life, refill.lasting, np.asarray(k)))
    return SlicePlan(
        slices=number,
        spacing_seconds=spacing,
        half_life=refill.half_life,
        lasting=refill.lasting,
        factor=factor,
        factor_error=factor * float(np.sqrt(variance + (slope[0] * k_error) ** 2)),
        derivative_k=float(slope[0]),
        refill_error=float(np.sqrt(variance)),
        warnings=_caveats(number, spacing, refill, limits),
    )


def _slope(slices: int, spacing: float, k: float, refill: RefillFit) -> Floats:
    """Return the derivatives of log factor in k, log half-life and lasting share, (3,)."""
    point = np.array([k, np.log(refill.half_life), refill.lasting])

    def log_factor(at: Floats) -> float:
        half_life, lasting = float(np.exp(at[1])), float(at[2])
        return float(np.log(slice_factor(slices, spacing, half_life, lasting, np.asarray(at[0]))))

    moves = np.diag(np.where([True, *_identified(refill)], STEP, 0.0))
    return np.array(
        [(log_factor(point + move) - log_factor(point - move)) / (2 * STEP) for move in moves]
    )


def _identified(refill: RefillFit) -> tuple[bool, bool]:
    """Return whether the half-life and the lasting share have errors to carry over."""
    finite = bool(np.isfinite(refill.half_life))
    return finite, finite and refill.lasting_error > 0


def _refill_covariance(refill: RefillFit) -> Floats:
    """Return the covariance of log half-life and lasting share, (2, 2), zeros where unknown."""
    known = np.array(_identified(refill))
    errors = np.nan_to_num([refill.log_error, refill.lasting_error]) * known
    cross = np.nan_to_num(refill.covariance) * known[1]
    return np.asarray(np.diag(errors**2) + cross * np.array([[0, 1], [1, 0]]))


def _fewest(k: float, refill: RefillFit, limits: SliceLimits) -> int:
    if k <= 1:
        return 1  # a large order is no dearer than its parts
    factors = np.array(
        [
            slice_factor(
                number,
                limits.period_seconds / number,
                refill.half_life,
                refill.lasting,
                np.asarray(k),
            )
            for number in range(1, limits.most + 1)
        ]
    )
    return int(np.argmax(factors <= (1 + TOLERANCE) * factors.min())) + 1


def _caveats(
    slices: int, spacing: float, refill: RefillFit, limits: SliceLimits
) -> tuple[Caveat, ...]:
    found = []
    if slices > limits.most:
        message = (
            f"{slices} slices are {spacing:.3g} s apart and {limits.order_size / slices:.3g} "
            f"shares each: the limits are {LEAST_SPACING:g} s and {limits.least_child:g} shares"
        )
        found.append(Caveat("slices_beyond_limits", message))
    if slices > 1 and not np.isfinite(refill.half_life):
        found.append(
            Caveat(
                "slices_without_refill",
                "the book's refill is not identified: slices are given no credit",
            )
        )
    if SLOW * limits.period_seconds < refill.half_life < np.inf:
        message = (
            f"the half-life of the refill, {refill.half_life:.3g} s, is long for "
            f"{limits.period_seconds:.3g} s periods: what one period leaves open the next one "
            "pays, and the law leaves that out"
        )
        found.append(Caveat("refill_beyond_period", message))
    return tuple(found)
