"""Placebos: data in which an effect cannot be, and how often its test finds it there all
the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.book.cost_law import Family, LawFit, fit_law
from models.impact.book.walks import Cells
from models.impact.flow.hasbrouck import fit_hasbrouck
from models.impact.flow.kyle import fit_permanent
from models.impact.orders.equations import ParentOrders
from models.impact.orders.fit import fit_orders
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.05  # nominal size of the tests
CONFIDENCE = 0.99  # of the interval of a rate: several rates are read at once
LEAST_REPETITIONS = 50
ABOVE, TWO_SIDED, KEPT = "above", "two-sided", "kept"
STATES = ("beta", "theta")
NOISE_SHAPE = 10.0  # of planted costs: a coefficient of variation of .3


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates with their errors. Shapes: names (p,), values and errors (p,).

    freedom: degrees of freedom of their t ratios, infinite for a normal's. A value of 0 without an
    error was set to 0 by its estimator, which found no effect.
    """

    names: tuple[str, ...]
    values: Floats
    errors: Floats
    freedom: float = float("inf")

    def rejects(self, test: str) -> NDArray[np.bool_]:
        """Return whether each test at the nominal level finds an effect, (p,); "kept": the
        estimator's own.
        """
        if test == KEPT:
            return np.asarray(self.values != 0)
        tail = LEVEL if test == ABOVE else LEVEL / 2
        size = self.values if test == ABOVE else np.abs(self.values)
        return np.asarray((size > 0) & (size >= stats.t.isf(tail, self.freedom) * self.errors))


Estimator = Callable[[np.random.Generator], Estimates]
StreamMap = Callable[
    [Callable[[np.random.SeedSequence], Estimates | None], Sequence[np.random.SeedSequence]],
    Iterable[Estimates | None],
]


@dataclass(frozen=True)
class Finding:
    """One test of one parameter: on the data as they are, and over a placebo's replicates.

    estimate, standard_error: on the data; mean, sd: of the estimates over replicates; rejected:
    replicates in which the test rejects: "above" zero, "two-sided", or "kept" by an estimator that
    tests for itself; rate: their share, with its exact 99 % interval low .. high.
    """

    parameter: str
    test: str
    estimate: float
    standard_error: float
    mean: float
    sd: float
    rejected: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Placebo:
    """A placebo's findings; replicates: with estimates; failed: without, left out of every rate."""

    name: str
    replicates: int
    failed: int
    findings: tuple[Finding, ...]
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the findings as a text table."""
        lines = [
            f"Placebo {self.name}: {self.replicates} replicates, {self.failed} failed, tests at "
            f"{LEVEL:.0%}",
            f"{'':<12}{'test':<11}{'estimate':>11}{'s.e.':>9}{'mean':>12}{'s.d.':>9}{'rejects':>9}"
            f"{'99 % interval':>17}",
        ]
        lines += [
            f"{one.parameter:<12}{one.test:<11}{one.estimate:>11.4g}{one.standard_error:>9.2g}{one.mean:>12.3g}"
            f"{one.sd:>9.2g}{one.rate:>9.3f}{f'{one.low:.3f} .. {one.high:.3f}':>17}"
            for one in self.findings
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def run_placebo(
    name: str,
    found: Estimates,
    estimate: Estimator,
    tests: tuple[str, ...],
    draws: tuple[int, int],
    mapped: StreamMap = map,
) -> Placebo:
    """Estimate again on data without the effect and count how often its tests find one.

    found: on the data as they are; estimate: generator -> estimates on one replicate, raising
    ValueError where it cannot; tests: "above", "two-sided", "kept"; draws: how many replicates, and
    their seed; mapped: runs them, in parallel if it does; each has its own stream, so that the
    result does not depend on how.
    Raises: ValueError with fewer than 50 replicates, or when most fail.
    Source: Fisher 1935, "The Design of Experiments", section 21 (randomisation); Clopper, Pearson
    1934, "The use of confidence or fiducial limits illustrated in the case of the binomial", for
    the rate's interval.
    """
    repetitions, seed = draws
    if repetitions < LEAST_REPETITIONS:
        raise ValueError(
            f"draws: {repetitions} replicates, at least {LEAST_REPETITIONS} are needed for a rate"
        )
    streams = np.random.SeedSequence([seed, *name.encode()]).spawn(repetitions)
    known = [each for each in mapped(partial(_attempt, estimate), streams) if each is not None]
    if len(known) <= repetitions / 2:
        raise ValueError(
            f"estimate: {repetitions - len(known)} of {repetitions} replicates of {name} have none"
        )
    values = np.array([each.values for each in known])
    findings, warnings = [], []
    for test in tests:
        rejected = np.array([each.rejects(test) for each in known]).sum(axis=0)
        for place, parameter in enumerate(found.names):
            count = int(rejected[place])
            interval = stats.binomtest(count, len(known)).proportion_ci(CONFIDENCE)
            one = Finding(
                parameter,
                test,
                float(found.values[place]),
                float(found.errors[place]),
                float(values[:, place].mean()),
                float(values[:, place].std(ddof=1)),
                count,
                count / len(known),
                float(interval.low),
                float(interval.high),
            )
            findings.append(one)
            if one.low > LEVEL:
                warnings.append(
                    Caveat(
                        "placebo_rejects",
                        f"{name}: {parameter} is found ({test}) in {one.rate:.1%} "
                        f"of replicates without it, 99 % interval {one.low:.1%} to {one.high:.1%}, "
                        "for "
                        f"a test at {LEVEL:.0%}: its errors are too small or an effect is left",
                    )
                )
    return Placebo(name, len(known), repetitions - len(known), tuple(findings), tuple(warnings))


def _attempt(estimate: Estimator, stream: np.random.SeedSequence) -> Estimates | None:
    try:
        return estimate(np.random.default_rng(stream))
    except ValueError:
        return None


def shuffle_within(group: Ints, rng: np.random.Generator) -> Ints:
    """Return a random order of the rows in which every row stays within its group, (n,)."""
    order = np.empty(len(group), dtype=np.int64)
    order[np.argsort(group, kind="stable")] = np.lexsort([rng.random(len(group)), group])
    return order


def shuffle_signs(value: Floats, group: Ints, rng: np.random.Generator) -> Floats:
    """Return the values with their signs, those of zeros aside, in random order within the group,
    (n,).
    """
    shuffled = value.copy()
    moved = np.flatnonzero(value)
    sign = np.sign(value[moved])
    shuffled[moved] = np.abs(value[moved]) * sign[shuffle_within(group[moved], rng)]
    return shuffled


def shuffle_blocks(group: Ints, length: int, rng: np.random.Generator) -> Ints:
    """Return an order of the rows in which blocks of `length` rows in a row are in random order
    within the group, (n,).

    group: (n,), rows of one group together. A block may come to lie where it was: the mean over
    replicates of what is estimated from pairs of rows is then that of unrelated ones.
    Source: Carlstein 1986, "The use of subseries values for estimating the variance", for blocks.
    """
    begins = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    order = []
    for rows in np.split(np.arange(len(group)), begins[1:]):
        blocks = np.split(rows, np.arange(length, len(rows), length))
        order += [blocks[place] for place in rng.permutation(len(blocks))]
    return np.concatenate(order)


@dataclass(frozen=True, eq=False)
class FlowSample:
    """Periods in time order, each (n,): mid change, signed volume, best level's imbalance, label of
    the session.
    """

    change: Floats
    volume: Floats
    imbalance: Floats
    session: Ints


def estimate_flow(sample: FlowSample) -> Estimates:
    """Return Kyle's slope, the long-run response and the slope on imbalance.

    Raises: ValueError when too few periods are known.
    Source: `fit_permanent`, `fit_hasbrouck`.
    """
    kyle, best = (fit_permanent(sample.change, flow) for flow in (sample.volume, sample.imbalance))
    response = fit_hasbrouck(sample.change, sample.volume, sample.session)
    return Estimates(
        ("kyle", "permanent", "imbalance"),
        np.array([kyle.estimate, response.permanent, best.estimate]),
        np.array([kyle.standard_error, response.standard_error, best.standard_error]),
    )


def shuffled_flow(sample: FlowSample, rng: np.random.Generator) -> Estimates:
    """Estimate with the signs of both flows in random order within the session."""
    return estimate_flow(
        replace(
            sample,
            volume=shuffle_signs(sample.volume, sample.session, rng),
            imbalance=shuffle_signs(sample.imbalance, sample.session, rng),
        )
    )


def scrambled_flow(sample: FlowSample, rng: np.random.Generator) -> Estimates:
    """Estimate with the flows of other times of the session, in blocks as long as the errors'
    window.
    """
    length = int(4 * (len(sample.change) / 100) ** (2 / 9)) + 1
    order = shuffle_blocks(sample.session, length, rng)
    return estimate_flow(
        replace(sample, volume=sample.volume[order], imbalance=sample.imbalance[order])
    )


def planted_flow(sample: FlowSample, rng: np.random.Generator) -> Estimates:
    """Estimate with mid changes that are noise, as large as those measured."""
    return estimate_flow(
        replace(sample, change=np.abs(sample.change) * rng.standard_normal(len(sample.change)))
    )


def estimate_impact(orders: ParentOrders, delta: float) -> Estimates:
    """Return gamma and eta at a given delta: without an effect it has no meaning.

    Raises: ValueError with too few orders or days.
    Source: `fit_orders`.
    """
    fit = fit_orders(orders, delta=delta)
    return Estimates(
        fit.covariance.names[:2],
        fit.values[:2],
        fit.covariance.standard_errors[:2],
        fit.clusters - 1,
    )


def shuffled_orders(orders: ParentOrders, delta: float, rng: np.random.Generator) -> Estimates:
    """Estimate with the sides of a day's orders in random order; what a day's net side and move
    share is left.
    """
    return estimate_impact(
        replace(orders, participation=shuffle_signs(orders.participation, orders.day, rng)), delta
    )


def random_sides(orders: ParentOrders, delta: float, rng: np.random.Generator) -> Estimates:
    """Estimate with sides drawn by a coin."""
    return estimate_impact(
        replace(
            orders,
            participation=np.abs(orders.participation) * rng.choice([-1.0, 1.0], len(orders)),
        ),
        delta,
    )


def planted_orders(orders: ParentOrders, delta: float, rng: np.random.Generator) -> Estimates:
    """Estimate with the orders' own sizes and volatilities in a Brownian price that they do not
    move.

    Source: Almgren, Thum, Hauptmann, Li 2005, the error terms of I and J - I/2.
    """
    xi, chi = rng.standard_normal((2, len(orders)))
    t, h, sigma = orders.duration, orders.horizon, orders.volatility
    permanent = sigma * np.sqrt(h) * xi
    bridge = np.sqrt(t / 12 * np.maximum(4 - 3 * t / h, 0.0)) * chi
    paid = permanent / 2 + sigma * (bridge - (h - t) / (2 * np.sqrt(h)) * xi)
    return estimate_impact(replace(orders, permanent=permanent, paid=paid), delta)


def estimate_states(cells: Cells) -> Estimates:
    """Return beta and theta of the cost law; one that cannot be told from zero, or is negative, is
    0 there.

    Raises: ValueError when nothing can be fitted.
    Source: `fit_law`.
    """
    fit = fit_law(cells, Family.SPREAD_POWER, int(cells.bucket.max()) + 1)
    places = [fit.names.index(name) for name in STATES]
    return Estimates(STATES, fit.values[places], fit.covariance.standard_errors[places])


def scrambled_states(cells: Cells, period: Ints, rng: np.random.Generator) -> Estimates:
    """Estimate with the states of another period of the same time-of-day bucket; period: (n,) label
    of each cell's.
    """
    _, first, code = np.unique(period, return_index=True, return_inverse=True)
    other = first[shuffle_within(cells.bucket[first], rng)][code]
    return estimate_states(
        replace(cells, volatility=cells.volatility[other], thinness=cells.thinness[other])
    )


def planted_states(cells: Cells, law: LawFit, rng: np.random.Generator) -> Estimates:
    """Estimate with costs that the states do not move: the law's alpha and k, times Gamma noise of
    cell and cluster.
    """
    code = np.unique(cells.cluster, return_inverse=True)[1]
    noise = rng.gamma(NOISE_SHAPE, 1 / NOISE_SHAPE, code.max() + 1)[code] * rng.gamma(
        NOISE_SHAPE, 1 / NOISE_SHAPE, len(code)
    )
    excess = law.alpha[cells.bucket] * cells.size**law.k * noise
    none = np.zeros_like(excess)
    return estimate_states(
        replace(
            cells, excess=excess, censored=none, censored_depth=cells.size, censored_excess=none
        )
    )
