"""What the forecast stage says against itself: little history, thin symbols, stale tapes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.intraday.sparse.totals import LEAST_SHARE
from pipeline.engine.scope import Scope

FEW_DAYS = 5
WELL_COVERED = 0.9
LEAST_TRADED, LEAST_MOVED = 5, 5  # periods: below either nothing can be fitted
THIN = 50  # periods: below it means are known to a fifth at best
WORDS = {"volume": "traded", "realized_variance": "had a mid that moved"}
POSITIVE = ("half_spread", "depth")


@dataclass(frozen=True, eq=False)
class CaveatFacts:
    """What the stage found.

    untested: series whose forecasters were scored on fewer than three days; reason: what stood for
    them; states, horizon: expected volume of the past and to come, shares.
    """

    untested: tuple[str, ...]
    reason: str
    states: np.ndarray
    horizon: np.ndarray


def refuse_too_thin(periods: pd.DataFrame) -> None:
    """Raise ValueError when hardly a period trades, or hardly one moves."""
    traded, moved = (int((periods[name] > 0).sum()) for name in WORDS)
    if traded < LEAST_TRADED or moved < LEAST_MOVED:
        raise ValueError(
            f"too thin to fit anything: {traded} of {len(periods)} periods traded and {moved} had "
            f"a mid that moved, at least {LEAST_TRADED} and {LEAST_MOVED} are needed; leave the "
            "symbol out (--symbols names those to keep), give more days, or a longer "
            "--period-seconds"
        )


def forecast_warnings(
    periods: pd.DataFrame, dates: np.ndarray, scope: Scope, facts: CaveatFacts
) -> pd.DataFrame:
    """Return what there is to say: code, message."""
    uncovered = int((periods["covered"] < WELL_COVERED).sum())
    found = [
        (
            len(dates) < FEW_DAYS,
            "few_days",
            f"{len(dates)} days of history: time-of-day profiles and daily levels are provisional",
        ),
        (
            bool(facts.untested),
            "forecaster_untested",
            f"{', '.join(facts.untested)}: {facts.reason}",
        ),
        (
            dates[-1] != scope.last,
            "stale",
            f"the last day on tape is {dates[-1]}, other symbols have {scope.last}: "
            "levels and price are as old",
        ),
        (
            uncovered > 0,
            "uncovered",
            f"{uncovered} of {len(periods)} periods have a two-sided book less than "
            f"{WELL_COVERED:.0%} of the time",
        ),
    ]
    rows = [(code, message) for applies, code, message in found if applies]
    rows += _zeros(periods) + _missing(periods) + _bounded(facts)
    return pd.DataFrame(rows, columns=["code", "message"])


def _zeros(periods: pd.DataFrame) -> list[tuple[str, str]]:
    """Say how many periods are zeros, and where so few are not that hardly a mean is known."""
    seen = periods["covered"] > 0
    counts = {name: int((periods[name] > 0).sum()) for name in WORDS}
    zeros = {name: int((seen & (periods[name] == 0)).sum()) for name in WORDS}
    rows = [
        (
            "zero_periods",
            f"{name}: {zeros[name]} of {len(periods)} periods are zeros, and forecast as such: the "
            "chance of more times its size",
        )
        for name in WORDS
        if zeros[name]
    ]
    thin = {name: count for name, count in counts.items() if zeros[name] and count < THIN}
    if thin:
        told = " and ".join(f"{count} {WORDS[name]}" for name, count in thin.items())
        rows.append(
            (
                "too_thin",
                f"of {len(periods)} periods only {told}: forecasts, and what is fitted to them, "
                f"are within a fifth at best; {THIN} are needed, from more days or longer periods",
            )
        )
    return rows


def _missing(periods: pd.DataFrame) -> list[tuple[str, str]]:
    """Return a warning for every series with periods in which nothing was measured."""
    known = {name: periods[name] > 0 for name in POSITIVE}
    known |= {
        name: (periods[name] > 0) | ((periods[name] == 0) & (periods["covered"] > 0))
        for name in WORDS
    }
    counts = {name: int((~each).sum()) for name, each in known.items()}
    return [
        (
            "missing_periods",
            f"{name}: {count} of {len(periods)} periods without a measurement were treated as "
            "missing",
        )
        for name, count in counts.items()
        if count
    ]


def _bounded(facts: CaveatFacts) -> list[tuple[str, str]]:
    """Say where so little volume is expected that liquidity is told from more."""
    least = LEAST_SHARE * float(np.nanmean(facts.states)) if len(facts.states) else 0.0
    past, ahead = (int((volume < least).sum()) for volume in (facts.states, facts.horizon))
    if not past + ahead:
        return []
    message = (
        f"liquidity is told from {least:,.1f} shares, {LEAST_SHARE:.0%} of the mean expected "
        f"volume, where less is expected: {past} past periods and {ahead} to be traded"
    )
    return [("liquidity_bounded", message)]
