"""The gate of a night: every check, and whether its candidate comes into force."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.gate import refresh
from pipeline.parameters.schema import Params
from pipeline.retraining.breaks import DEVIATIONS, MATERIAL, Shift
from pipeline.retraining.distance import distance
from pipeline.retraining.guards import StateDrift, admissible, covered, drifted, undoubted
from pipeline.retraining.nights import Charged, Check, Night

MARGIN = 0.10  # of TWAP's cost: what no single day may cost more
ALARM = 1e-3  # p of the parameters' distance, over all symbols, below which it is an alarm
WINDOW = 60  # nights that are looked back on
YOUNG = 5  # nights since a history began anew: its errors, of as few days, are too small to tell


@dataclass(frozen=True)
class Judged:
    """What a candidate is judged on.

    champion: in force, None on the first night; last: last night's candidate; nights: before this
    one, oldest first; today: what the day that just ended charged; shifts, drifts: how far that day
    lies from those before it, by its own fit and by its states; coverage: of forecast intervals on
    held-out days; doubts: what the day's tape is doubted for, by symbol; anew: symbols whose
    history begins anew with this night.
    """

    champion: Params | None
    last: Params | None
    nights: Sequence[Night]
    today: Charged | None
    shifts: Sequence[Shift] = ()
    drifts: Sequence[StateDrift] = ()
    coverage: float | None = None
    doubts: Mapping[str, str] = field(default_factory=dict)
    anew: Collection[str] = ()


def checks_of(candidate: Params, on: Judged) -> tuple[Check, ...]:
    """Return every check of a candidate."""
    before = on.nights[-1] if on.nights else None
    return (
        undoubted(on.doubts),
        _break(on),
        drifted(
            [each for each in on.drifts if each.symbol not in on.anew],
            again=before is not None and not passed(before, "drift"),
        ),
        covered(on.coverage),
        admissible(candidate, on.champion),
        _distance(candidate, on),
        within_margin(on.today),
        _refresh(refreshes(on.nights, on.today)[-WINDOW:]),
    )


def refreshes(nights: Sequence[Night], today: Charged | None) -> list[Charged]:
    """Return the days that charged a refit of the family in force beside what was in force."""
    days = [*(one.charged for one in nights[1:]), today]
    return [
        day
        for night, day in zip(nights, days, strict=False)
        if day is not None and night.outcome != "changed"
    ]


def breaks_at(
    nights: Sequence[Night], shifts: Sequence[Shift], doubts: Collection[str] = ()
) -> Mapping[str, str]:
    """Return by symbol the day that its history begins anew with: last night's, where that was held
    back for a break or a drift, and the day after it lies where it did; never where the tape of
    either day is doubted.
    """
    if not nights or all(passed(nights[-1], name) for name in ("break", "drift")):
        return {}
    if not passed(nights[-1], "quality"):
        return {}
    return {
        each.symbol: nights[-1].date
        for each in shifts
        if each.lasts and _large(each) and each.symbol not in doubts
    }


def _large(shift: Shift) -> bool:
    return min(abs(shift.last), abs(shift.before)) > MATERIAL[shift.what]


def _break(on: Judged) -> Check:
    """Hold back one night what a day makes that lies apart from all before it."""
    shifts = [each for each in on.shifts if each.symbol not in on.anew]
    begins = ""
    if on.anew:
        begins = (
            f"{', '.join(sorted(on.anew))}: a second day lies where {on.nights[-1].date} did: the "
            "history begins there"
        )
    if not shifts:
        words = begins or "too few days to tell whether the last one lies apart"
        return Check(name="break", value=None, threshold=None, passes=True, words=words)
    most = max(shifts, key=lambda each: (each.apart, each.deviations))
    words = (
        f"{most.symbol}: the last day's {most.what} lies {most.last:+.3g} from the days before, "
        f"{most.deviations:.1f} of their deviations"
    )
    if most.apart:
        words += "; held back one night"
    if begins:
        words = f"{begins}; {words}"
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


def within_margin(today: Charged | None, challenger: str = "") -> Check:
    """No single day may cost much more: a challenger's, or the refit's."""
    if today is None or (challenger and challenger not in today.rivals):
        return Check(
            name="margin", value=None, threshold=None, passes=True, words="no day was charged"
        )
    most, over = MARGIN * today.twap, today.difference
    if challenger:
        over = today.rivals[challenger] - today.in_force
    words = f"{today.date} charged {challenger or 'the refit'} {over:+.3f} bps more than what was "
    words += "in force"
    return Check(name="margin", value=over, threshold=most, passes=over <= most, words=words)


def _distance(candidate: Params, on: Judged) -> Check:
    """Hold back one night what lies far from the parameters in force; a second night that agrees
    with the first lets it in.
    """
    if on.champion is None:
        words = "nothing is in force yet"
        return Check(name="distance", value=None, threshold=None, passes=True, words=words)
    others = _without(candidate, {*on.anew, *_young(on.nights)})
    found = distance(others, on.champion)
    far = found.p < ALARM
    words = (
        f"{found.symbol or 'no symbol'} is the farthest from what is in force, costs "
        f"{np.expm1(found.log_gap):+.1%} at most, p {found.p:.2g} over all symbols"
    )
    passes = not far
    if far and on.nights and on.last is not None and not passed(on.nights[-1], "distance"):
        passes = distance(others, on.last).p >= ALARM
        words += "; agrees with last night's" if passes else "; so is it from last night's"
    elif far:
        words += "; held back one night"
    return Check(name="distance", value=found.p, threshold=ALARM, passes=passes, words=words)


def _young(nights: Sequence[Night]) -> set[str]:
    """Return the symbols whose history has begun anew within the last few nights."""
    if not nights:
        return set()
    before = nights[-YOUNG].date if len(nights) >= YOUNG else ""
    return {symbol for symbol, first in nights[-1].since.items() if first >= before}


def _without(params: Params, symbols: Collection[str]) -> Params:
    """Return a file without the symbols whose history begins, or has just begun, anew."""
    kept = {name: one for name, one in params.symbols.items() if name not in symbols}
    return params.model_copy(update={"symbols": kept})


def passed(night: Night, name: str) -> bool:
    """Tell whether a night's check of a name passed, or there was none."""
    return all(check.passes for check in night.checks if check.name == name)
