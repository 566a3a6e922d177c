"""How often a test finds an effect in data in which there is none."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
LEVEL = 0.05  # nominal size of the tests
CONFIDENCE = 0.99  # of the interval of a rate: several rates are read at once
LEAST_REPETITIONS = 50
ABOVE, TWO_SIDED, KEPT = "above", "two-sided", "kept"


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
        """Return whether each test finds an effect, (p,); "kept": by the estimator's own test."""
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
            f"{one.parameter:<12}{one.test:<11}{one.estimate:>11.4g}{one.standard_error:>9.2g}"
            f"{one.mean:>12.3g}"
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
    findings = tuple(one for test in tests for one in _findings(test, found, known))
    warnings = tuple(_rejecting(name, one) for one in findings if one.low > LEVEL)
    return Placebo(name, len(known), repetitions - len(known), findings, warnings)


def _attempt(estimate: Estimator, stream: np.random.SeedSequence) -> Estimates | None:
    try:
        return estimate(np.random.default_rng(stream))
    except ValueError:
        return None


def _findings(test: str, found: Estimates, known: list[Estimates]) -> list[Finding]:
    """Return what one test finds of every parameter over the replicates."""
    values = np.array([each.values for each in known])
    rejected = np.array([each.rejects(test) for each in known]).sum(axis=0)
    findings = []
    for place, parameter in enumerate(found.names):
        count = int(rejected[place])
        interval = stats.binomtest(count, len(known)).proportion_ci(CONFIDENCE)
        findings.append(
            Finding(
                parameter=parameter,
                test=test,
                estimate=float(found.values[place]),
                standard_error=float(found.errors[place]),
                mean=float(values[:, place].mean()),
                sd=float(values[:, place].std(ddof=1)),
                rejected=count,
                rate=count / len(known),
                low=float(interval.low),
                high=float(interval.high),
            )
        )
    return findings


def _rejecting(name: str, one: Finding) -> Caveat:
    message = (
        f"{name}: {one.parameter} is found ({one.test}) in {one.rate:.1%} of replicates without "
        f"it, 99 % interval {one.low:.1%} to {one.high:.1%}, for a test at {LEVEL:.0%}: its "
        "errors are too small or an effect is left"
    )
    return Caveat("placebo_rejects", message)
