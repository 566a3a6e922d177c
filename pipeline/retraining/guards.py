"""Guards of a night: inputs that drift, intervals that hold too little, laws that may not be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.gate import SHIFTED, Drift, drift
from pipeline.engine.stage import Output
from pipeline.parameters.schema import Params, SymbolParams
from pipeline.report.results import SymbolReport
from pipeline.retraining.nights import Check

LEAST_COVERED = 0.75  # of what 90 % intervals are to hold
INTERVALS = ("volatility", "volume")  # the series whose intervals are exported
STATES = ("spread", "depth", "volatility", "volume")
WINDOW = 60  # days that a state is held against
DOUBTFUL = (
    "implausible_price",
    "implausible_size",
    "implausible_depth",
    "frozen_quote",
    "tape_gap",
    "quotes_missing",
)
USUAL = 0.2  # of the days before: a finding that so many of them have is no news


@dataclass(frozen=True)
class StateDrift:
    """How far one state of a symbol lay from the days before on its last day."""

    symbol: str
    state: str
    found: Drift


def drifts_of(measured: Mapping[str, Sequence[Output]]) -> list[StateDrift]:
    """Return every symbol's drifts, of the states by period, where there are days enough."""
    found = []
    for symbol, days in measured.items():
        tables = [_states(one.load().periods) for one in days[-WINDOW - 1 :]]
        for state in STATES:
            one = drift([table[state].dropna().to_numpy() for table in tables])
            if one is not None:
                found.append(StateDrift(symbol, state, one))
    return found


def _states(periods: pd.DataFrame) -> pd.DataFrame:
    volume = periods["buy_volume"] + periods["sell_volume"] + periods["undirected_volume"]
    return pd.DataFrame(
        {
            "spread": periods["half_spread"],
            "depth": periods["depth"],
            "volatility": np.sqrt(periods["realized_variance"]),
            "volume": volume,
        }
    )


def doubts_of(reports: Sequence[SymbolReport], date: str) -> dict[str, str]:
    """Return by symbol what its tape of a day is doubted for, unlike most days before."""
    found = {}
    for one in reports:
        table = one.findings[one.findings["code"].isin(DOUBTFUL)]
        today = table[table["date"] == date]
        before = table[table["date"] < date].groupby("code")["date"].nunique()
        usual = before[before >= USUAL * max(one.read.days - 1, 1)].index
        news = today[~today["code"].isin(usual)]
        if len(news):
            found[one.symbol] = ", ".join(
                f"{row.code} ({row.rows:,} rows)" for row in news.itertuples()
            )
    return found


def undoubted(doubts: Mapping[str, str]) -> Check:
    """Hold back what rests on a day whose tape lacks rows, or had some left out, as none before.

    Rows left out are counted and the rest may be sound, but that is for people to say.
    """
    words = "; ".join(f"{symbol}: {said}" for symbol, said in doubts.items())
    return Check(
        name="quality",
        value=float(len(doubts)),
        threshold=0.0,
        passes=not doubts,
        words=words or "the last day's tape has no rows left out or missing, unlike days before",
    )


def drifted(drifts: Sequence[StateDrift], again: bool) -> Check:
    """Hold back one night what rests on a day whose states lie apart from those before.

    again: whether last night was held back for it.
    """
    if not drifts:
        words = "too few days to tell whether states drift"
        return Check(name="drift", value=None, threshold=None, passes=True, words=words)
    most = max(drifts, key=lambda each: (each.found.apart, each.found.psi))
    one = most.found
    words = (
        f"{most.symbol}: {most.state} {'rises' if one.rises else 'falls'} on the last day, "
        f"stability index {one.psi:.2g}, Kolmogorov-Smirnov {one.distance:.2f} (usually "
        f"{one.usual:.2f}), {one.deviations:.1f} of its deviations"
    )
    passes = not one.apart or again
    if one.apart:
        words += "; a second night" if passes else "; held back one night"
    return Check(name="drift", value=one.psi, threshold=SHIFTED, passes=passes, words=words)


def coverage_of(reports: Sequence[SymbolReport]) -> float | None:
    """Return the share of held-out periods that the exported 90 % intervals held, the mean over
    symbols and series; None where none was held out.
    """
    held = []
    for one in reports:
        scores = one.forecast.scores
        mine = scores[(scores["origin"] == "day ahead") & scores["series"].isin(INTERVALS)]
        held += mine["coverage"].dropna().tolist()
    return float(np.mean(held)) if held else None


def covered(coverage: float | None) -> Check:
    """Hold back parameters whose intervals have held far too little."""
    if coverage is None:
        words = "no day was held out"
        return Check(name="coverage", value=None, threshold=None, passes=True, words=words)
    return Check(
        name="coverage",
        value=coverage,
        threshold=LEAST_COVERED,
        passes=coverage >= LEAST_COVERED,
        words=f"intervals of nominal 90 % held {coverage:.1%} of held-out periods",
    )


def admissible(candidate: Params, champion: Params | None) -> Check:
    """Hold back laws that may not be, where those in force may."""
    known = {} if champion is None else champion.symbols
    faults = {
        name: said
        for name, one in candidate.symbols.items()
        if (said := fault(one)) and not (name in known and fault(known[name]))
    }
    words = "; ".join(f"{name}: {said}" for name, said in faults.items())
    return Check(
        name="admissible",
        value=float(len(faults)),
        threshold=0.0,
        passes=not faults,
        words=words
        or "costs rise with size, at no less a share, and permanent impact is not below 0",
    )


def fault(symbol: SymbolParams) -> str:
    """Return why a law may not be planned with, empty where it may.

    Source: Huberman, Stanzl 2004, "Price manipulation and quasi-arbitrage"; impact is linear in
    size and one for both sides by its form.
    """
    law = symbol.law
    if law.k < 1:
        return f"k {law.k:.3g}: cost per share falls with size"
    if law.gamma < 0 or law.beta < 0:
        return f"gamma {law.gamma:.3g}, beta {law.beta:.3g}: below 0"
    if not any(period.alpha > 0 or period.spread > 0 for period in symbol.periods):
        return "no period has any cost"
    return ""
