"""Why a plan is one trade, or holds much of an order in one period."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.parameters.schema import Period
from solver import Problem, ProblemError, solve

MOST = 0.2  # of the order in one period, above which a plan says so
Note = tuple[str, str]


def concentrated(
    stated: Problem, x: np.ndarray, twap: np.ndarray, periods: list[Period]
) -> list[Note]:
    """Say that a plan is one trade, or holds over a fifth of the order in a period, and why.

    x, twap: (N,) shares; periods: those of the problem.
    """
    share, at = _most(x), int(np.argmax(x))
    if share <= MOST:
        return []
    place = f"period {periods[at].i} (from {periods[at].start})"
    reason = _reason(stated, x, twap)
    if np.count_nonzero(x) == 1:
        return [
            ("one_trade", f"the plan is one trade of {x[at]:,.10g} shares in {place}: {reason}")
        ]
    return [("concentrated", f"{share:.0%} of the order is in {place}: {reason}")]


def _most(x: np.ndarray) -> float:
    return float(np.max(x) / np.sum(x))


def _reason(stated: Problem, x: np.ndarray, twap: np.ndarray) -> str:
    even = 1 / MOST
    if stated.n < even:
        return f"it may trade in {stated.n} period{'s' if stated.n > 1 else ''} alone"
    if stated.lots < even:
        return f"it is {stated.lots:,} lot{'s' if stated.lots > 1 else ''} of {stated.lot:,.10g}"
    if _most(twap) > MOST:
        return f"the caps of other periods are so low that even TWAP holds {_most(twap):.0%} there"
    _, scale, exponent = stated.law_rows
    if exponent.min() <= 1.0:
        return (
            f"at k = {exponent.min():.3g} a large trade costs no more a share than a small one, so "
            "that the cheapest period takes all it may; a lower --max-participation spreads it"
        )
    for change, said in _changes(stated):
        if _falls(stated, change):
            return said
    at = int(np.argmax(x))
    ratio = scale[at] / float(np.mean(scale))
    return (
        f"the forecast has its temporary cost at {ratio:.0%} of the mean period's; a lower "
        "--max-participation spreads the order"
    )


def _changes(stated: Problem) -> list[tuple[dict[str, Any], str]]:
    """Return what may have concentrated the plan, each as its absence, and what to say of it."""
    found: list[tuple[dict[str, Any], str]] = []
    if stated.risk_aversion > 0:
        said = f"its risk aversion, {stated.risk_aversion:.2g}, pays for speed; less spreads it"
        found.append(({"risk_aversion": 0.0}, said))
    if np.any(np.asarray(stated.drift) != 0):
        found.append(({"drift": 0.0}, "the drift as given makes waiting dear, or worth its while"))
    if stated.own_share == 0.0:
        said = "a trade escapes its own permanent impact; --own-impact half spreads the order"
        found.append(({"own_impact": "half"}, said))
    return found


def _falls(stated: Problem, change: dict[str, Any]) -> bool:
    """Tell whether no period of the plan would hold over a fifth without that."""
    try:
        return _most(solve(replace(stated, **change), method="nlp").x) <= MOST
    except ProblemError:
        return False
