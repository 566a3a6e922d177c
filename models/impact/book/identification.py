"""What the data say of a fitted cost law beside its estimates: how well they tell its parameters
apart.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from models.impact.book.families import FamilyFit
from models.impact.book.quasi_score import LARGEST_BETA, QuasiScore
from models.impact.book.root import EXPONENTS, find_root
from models.impact.book.two_way import apart
from models.inference.caveat import ONE_SIDED, Caveat
from models.inference.covariance import Covariance, clustered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.95
ROUNDING = 1e-9  # a standard error that small is one of arithmetic
WIDEST_K = 0.5  # from the square-root law to the quadratic one
WIDEST_ELASTICITY = 0.5  # of cost in volatility, beta / (1 + beta), of at most 1
FEW_SIZES = 4
COLLINEAR = 0.9
PRECISION = 1e-3  # of the ends of a range, over the clustered interval's half
RELIABLE = (
    0.9  # slope of realized on predicted states below which a coefficient is said to be attenuated
)


@dataclass(frozen=True)
class Range:
    """The values of a parameter that the profile criterion does not refuse; open at an end that it
    never refuses.
    """

    name: str
    low: float
    high: float
    open_low: bool
    open_high: bool


@dataclass(frozen=True)
class Contrast:
    """An estimate with its clustered standard error, degrees of freedom and two-sided p against
    `null`.
    """

    estimate: float
    standard_error: float
    dof: float
    null: float = 0.0

    @property
    def p_value(self) -> float:
        """Return the p of the t test."""
        if not self.standard_error > ROUNDING:
            return float("nan")
        return float(2 * stats.t.sf(abs(self.estimate - self.null) / self.standard_error, self.dof))


def profile_range(found: FamilyFit, name: str) -> Range | None:
    """Return the range of k or beta in which the profile criterion rises less than the chi-squared
    cut.

    The criterion is the Gamma quasi-deviance of what the family models, all other parameters solved
    again; its cut is scaled so that near the estimate the range is the clustered t interval. None
    where the parameter is fixed.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", section 7.2; Rotnitzky, Jewell
    1990, "Hypothesis testing of regression parameters in semiparametric generalized linear models",
    for the scale under clustering.
    """
    solution = found.solution
    score = solution.score
    if name in score.fixed:
        return None
    place = score.place(name)
    naive = solution.jacobian[place] @ np.linalg.solve(
        solution.sums.information.sum(axis=0), solution.jacobian[place]
    )
    error, dof = solution.standard_error(name), solution.influence.dof[place]
    if not error > 0:
        return None
    reach = stats.t.ppf((1 + LEVEL) / 2, dof) * error
    cut = reach**2 / naive
    rise = _profile(found, name)
    bounds = EXPONENTS if name == "k" else (0.0, LARGEST_BETA / float(score.volatility.mean()))
    (low, open_low), (high, open_high) = (
        _crossing(lambda value: rise(value) - cut, solution.value(name), step, bound)
        for step, bound in ((-reach, bounds[0]), (reach, bounds[1]))
    )
    return Range(name, low, high, open_low, open_high)


def _profile(found: FamilyFit, name: str) -> Callable[[float], float]:
    solution = found.solution
    score, observed, weight = solution.score, found.observed, solution.score.cell_weight
    start = np.delete(solution.equations.within, score.place(name))

    def deviance(of: QuasiScore, point: Floats) -> float:
        mean = of.fitted(point)
        return 2 * float((weight * (observed / mean + np.log(mean))).sum())

    least = deviance(score, solution.equations.within)

    def rise(value: float) -> float:
        restricted = replace(score, fixed={**score.fixed, name: value})
        return deviance(restricted, find_root(restricted, start)[0]) - least

    return rise


def _crossing(
    excess: Callable[[float], float], start: float, step: float, bound: float
) -> tuple[float, bool]:
    """Return where a function that is negative at the start crosses zero on the way to a bound, or
    the bound.
    """
    inner, sign, precision = start, np.sign(step), PRECISION * abs(step)
    while True:
        outer = inner + step if sign * (bound - inner - step) > 0 else bound
        if excess(outer) > 0:
            return float(brentq(excess, inner, outer, xtol=precision)), False
        if outer == bound:
            return float(bound), True
        inner, step = outer, 2 * step


def asymmetry(found: FamilyFit, side: Ints) -> Contrast:
    """Return log alpha of buys less that of sells, by one Newton step from the law of both; side:
    (m,) of used cells.

    Source: van der Vaart 1998, "Asymptotic Statistics", section 5.7, one-step estimators.
    """
    solution = found.solution
    ratio, tilt, weight = found.observed / found.mean, np.sign(side) / 2, solution.score.cell_weight
    code = np.searchsorted(solution.sums.labels, solution.score.cluster)
    groups = len(solution.sums.labels)
    own = np.bincount(code[solution.score.run], weight * tilt * (ratio - 1), groups)
    cross = solution.score.gathered(solution.point, tilt * ratio, code, groups).sum(axis=0)
    equations = solution.equations
    answer = np.linalg.solve(equations.sums.slopes.sum(axis=0), equations.gathered(tilt * ratio))
    spread = float((weight * tilt**2 * ratio).sum() + cross @ equations.to_point @ answer)
    moved = (own - solution.moves @ cross) / spread
    error = np.sqrt((moved**2).sum() * groups / (groups - 1))
    return Contrast(float(own.sum() / spread), float(error), groups - 1)


def reliability(
    realized: Floats, predicted: Floats, cluster: Ints, day: Ints | None = None
) -> Contrast:
    """Return the slope of log realized on log predicted states; 1 leaves coefficients of the
    prediction unbiased.

    A prediction that is the conditional mean differs from the state by an error that it does not
    correlate with (Berkson's), which costs precision only. The slope falls below 1 by the share of
    the prediction's variance that is error in the classical sense, and a coefficient of it is
    attenuated by about as much. NaN and zeros are left out. day: (n,), where days have levels of
    their own in the law, which leave it what moves within them.
    Source: Mincer, Zarnowitz 1969, "The evaluation of economic forecasts"; Carroll et al. 2006,
    "Measurement Error in Nonlinear Models", section 1.4.
    """
    known = (realized > 0) & (predicted > 0)
    x, y, cluster = np.log(predicted[known]), np.log(realized[known]), cluster[known]
    if day is not None:
        x, y = (apart(each, np.ones(len(x)), np.zeros(len(x), int), day[known]) for each in (x, y))
    groups = len(np.unique(cluster))
    if groups < 2 or np.ptp(x) <= 1e-9 * np.abs(x).max():
        return Contrast(float("nan"), float("nan"), float("nan"), null=1.0)
    design = np.column_stack([np.ones(len(x)), x])
    coefficients = np.linalg.lstsq(design, y)[0]
    covariance = clustered(
        design.T @ design, design * (y - design @ coefficients)[:, None], cluster
    )
    error = Covariance(("constant", "slope"), covariance).standard_errors[1]
    return Contrast(float(coefficients[1]), float(error), groups - 1, null=1.0)


def identification(found: FamilyFit) -> tuple[tuple[Range, ...], tuple[Caveat, ...]]:
    """Return the profile ranges of k and beta, and caveats of what the cells tell apart badly.

    Codes: k_weak, beta_weak (a flat profile), few_sizes, collinear_states.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", section 7.2, for the ranges.
    """
    ranges = tuple(each for each in (profile_range(found, name) for name in ("k", "beta")) if each)
    caveats = [
        _flat(each)
        for each in ranges
        if _width(each) > {"k": WIDEST_K, "beta": WIDEST_ELASTICITY}[each.name]
    ]
    costly = len(np.unique(found.used.size[found.used.excess > 0]))
    if found.family.fixed_k is None and costly < FEW_SIZES:
        caveats.append(
            Caveat(
                "few_sizes",
                f"{costly} sizes show a cost beyond the best price: the form of the law "
                "rests on them",
            )
        )
    related = _state_correlation(found.solution.score)
    if abs(related) > COLLINEAR:
        caveats.append(
            Caveat(
                "collinear_states",
                f"within buckets the logs of volatility and thinness correlate by "
                f"{related:.2f}: beta and theta are told apart badly",
            )
        )
    return ranges, tuple(caveats)


def _width(found: Range) -> float:
    if found.name == "k":
        return found.high - found.low
    return found.high / (1 + found.high) - found.low / (1 + found.low)


def _flat(found: Range) -> Caveat:
    low, high = (
        "below " * found.open_low + f"{found.low:.3g}",
        "beyond " * found.open_high + f"{found.high:.3g}",
    )
    return Caveat(f"{found.name}_weak", f"the profile of {found.name} is flat from {low} to {high}")


def _state_correlation(score: QuasiScore) -> float:
    if {"beta", "theta"} & set(score.fixed):
        return 0.0
    number = np.add.reduceat(score.cell_weight, score.starts)
    day = score.day if score.levelled else None
    x, y = (
        apart(value, number, score.bucket, day)
        for value in (np.log(score.volatility), score.log_thinness)
    )
    return float((number * x * y).sum() / np.sqrt((number * x**2).sum() * (number * y**2).sum()))


def attenuation(name: str, found: Contrast) -> tuple[Caveat, ...]:
    """Return the caveat `name`_attenuated where realized states rise significantly less than their
    predictions.
    """
    if not (found.estimate < RELIABLE and found.estimate + ONE_SIDED * found.standard_error < 1):
        return ()
    slope = f"{found.estimate:.2f} ± {found.standard_error:.2f}"
    return (
        Caveat(
            f"{name}_attenuated",
            f"realized states rise by {slope} of what is predicted: {name} is likely too "
            "small, by about as much",
        ),
    )


def lopsided(found: Contrast) -> tuple[Caveat, ...]:
    """Return the caveat `asymmetric` where buys and sells differ at the 5 % level."""
    if not found.p_value < 1 - LEVEL:
        return ()
    return (
        Caveat(
            "asymmetric",
            f"alpha of buys is {np.exp(found.estimate):.3g} times that of sells "
            f"(log {found.estimate:.3g} ± {found.standard_error:.2g}, p {found.p_value:.2g}); "
            "the law is that of both",
        ),
    )
