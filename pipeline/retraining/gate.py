"""The gate of a night: every check, and whether its candidate comes into force."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.gate import refresh
from models.impact.book.cost_law import LEVEL
from pipeline.parameters.schema import Params, SymbolParams
from pipeline.retraining.breaks import DEVIATIONS, MATERIAL, Shift
from pipeline.retraining.nights import Charged, Check, Night

MARGIN = 0.10  # of TWAP's cost: what no single day may cost more
ALARM = 1e-3  # p of the parameters' distance, over all symbols, below which it is an alarm
UNKNOWN = ("one_day", "beta_at_bound")  # warnings of laws whose errors are too small
WINDOW = 60  # nights that are looked back on


@dataclass(frozen=True)
class Judged:
    """What a candidate is judged on.

    champion: in force, None on the first night; last: last night's candidate; nights: before this
    one, oldest first; today: what the day that just ended charged; shifts: how far that day lies
    from those before it; anew: whether the history begins anew with this night.
    """

    champion: Params | None
    last: Params | None
    nights: Sequence[Night]
    today: Charged | None
    shifts: Sequence[Shift] = ()
    anew: bool = False


def checks_of(candidate: Params, on: Judged) -> tuple[Check, ...]:
    """Return every check of a candidate."""
    known = [one.charged for one in on.nights if one.charged] + ([on.today] if on.today else [])
    return (
        _break(on),
        _distance(candidate, on),
        _margin(on.today),
        _refresh(known[-WINDOW:]),
    )


def breaks_at(nights: Sequence[Night], shifts: Sequence[Shift]) -> str | None:
    """Return the day that a history begins anew with: last night's, where it lay apart and the day
    after it agrees; None where it goes on.
    """
    if not nights or _passed(nights[-1], "break"):
        return None
    return nights[-1].date if any(each.lasts and _large(each) for each in shifts) else None


def _large(shift: Shift) -> bool:
    return min(abs(shift.last), abs(shift.before)) > MATERIAL[shift.what]


def _break(on: Judged) -> Check:
    """Hold back one night what a day makes that lies apart from all before it."""
    if on.anew:
        words = f"a second day lies where {on.nights[-1].date} did: the history begins there"
        return Check(name="break", value=None, threshold=None, passes=True, words=words)
    if not on.shifts:
        words = "too few days to tell whether the last one lies apart"
        return Check(name="break", value=None, threshold=None, passes=True, words=words)
    most = max(on.shifts, key=lambda each: (each.apart, each.deviations))
    words = (
        f"{most.symbol}: the last day's {most.what} lies {most.last:+.3g} from the days before, "
        f"{most.deviations:.1f} of their deviations"
    )
    if most.apart:
        words += "; held back one night"
    return Check(
        name="break",
        value=most.deviations if np.isfinite(most.deviations) else None,
        threshold=DEVIATIONS,
        passes=not most.apart,
        words=words,
    )


def _refresh(charged: Sequence[Charged]) -> Check:
    """Hold the procedure of refitting to what its nights have cost."""
    if not charged:
        words = "no day yet that a refit was charged beside what was in force"
        return Check(name="refresh", value=None, threshold=None, passes=True, words=words)
    twap = float(np.mean([one.twap for one in charged]))
    found = refresh([one.difference for one in charged], twap)
    words = f"{found.reason}; {found.nights} nights, mean {found.mean:+.3f} bps"
    if np.isfinite(found.low):
        words += f" [{found.low:+.3f}, {found.high:+.3f}]"
    return Check(
        name="refresh", value=found.value, threshold=found.bound, passes=found.passes, words=words
    )


def _margin(today: Charged | None) -> Check:
    """No single day may cost much more."""
    if today is None:
        return Check(
            name="margin", value=None, threshold=None, passes=True, words="no day was charged"
        )
    most = MARGIN * today.twap
    words = (
        f"{today.date} charged the refit {today.difference:+.3f} bps more than what was in force"
    )
    return Check(
        name="margin",
        value=today.difference,
        threshold=most,
        passes=today.difference <= most,
        words=words,
    )


def _distance(candidate: Params, on: Judged) -> Check:
    """Hold back one night what lies far from the parameters in force; a second night that agrees
    with the first lets it in.
    """
    if on.champion is None or on.anew:
        words = "the history begins anew" if on.anew else "nothing is in force yet"
        return Check(name="distance", value=None, threshold=None, passes=True, words=words)
    p, symbol = distance(candidate, on.champion)
    far = p < ALARM
    words = f"{symbol} is the farthest from what is in force, p {p:.2g} over all symbols"
    passes = not far
    if far and on.nights and on.last is not None and not _passed(on.nights[-1], "distance"):
        passes = distance(candidate, on.last)[0] >= ALARM
        words += "; agrees with last night's" if passes else "; so is it from last night's"
    elif far:
        words += "; held back one night"
    return Check(name="distance", value=p, threshold=ALARM, passes=passes, words=words)


def _passed(night: Night, name: str) -> bool:
    return all(check.passes for check in night.checks if check.name == name)


def distance(one: Params, other: Params) -> tuple[float, str]:
    """Return how likely two files' laws would lie as far apart by their errors, over all symbols
    (Bonferroni), and the symbol that lies farthest apart; 1 where they have none in common with
    errors that tell days apart.
    """
    both = [
        name
        for name in sorted(set(one.symbols) & set(other.symbols))
        if not any(_errs_unknown(each.symbols[name]) for each in (one, other))
    ]
    found = {name: _p(one.symbols[name], other.symbols[name]) for name in both}
    if not found:
        return 1.0, "none"
    symbol = min(found, key=lambda name: found[name])
    return min(1.0, len(found) * found[symbol]), symbol


def _errs_unknown(symbol: SymbolParams) -> bool:
    """Tell whether a law's errors do not say how far off it may be."""
    return any(warned.code in UNKNOWN for warned in symbol.warnings)


def _p(one: SymbolParams, other: SymbolParams) -> float:
    """Return the p of a chi squared: differences in the sum of both covariances.

    Both files share most of their days, so that the sum is more than the difference's own variance:
    an alarm is rarer than told, and what sets it off lies far apart.
    """
    names, values, matrix = _estimates(one)
    others, rival, beside = _estimates(other)
    same = [name for name in names if name in others]
    here, there = ([list(each).index(name) for name in same] for each in (names, others))
    gap = values[here] - rival[there]
    joint = matrix[np.ix_(here, here)] + beside[np.ix_(there, there)]
    known = np.diag(joint) > 0
    if not known.any():
        return 1.0
    gap, joint = gap[known], joint[np.ix_(known, known)]
    square = float(gap @ np.linalg.pinv(joint, hermitian=True) @ gap)
    return float(stats.chi2.sf(square, np.linalg.matrix_rank(joint, hermitian=True)))


def _estimates(symbol: SymbolParams) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the mean log alpha and the law's other numbers, with their covariance."""
    names = list(symbol.covariance.names)
    matrix = np.array(symbol.covariance.matrix, dtype=np.float64)
    levels = np.array([name.startswith(LEVEL) for name in names])
    others = [name for name, level in zip(names, levels, strict=True) if not level]
    slopes = np.vstack([levels / levels.sum(), np.eye(len(names))[~levels]])
    alpha = np.array([period.alpha for period in symbol.periods])
    law = symbol.law.model_dump()
    values = [float(np.log(alpha).mean()), *(law[name] for name in others)]
    return ["level", *others], np.array(values, dtype=np.float64), slopes @ matrix @ slopes.T
