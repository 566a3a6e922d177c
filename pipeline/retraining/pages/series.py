"""Nights as series: estimates by symbol, what days charged, checks, counts, and what was in force.

x counts the nights from 0; what is put in force by hand lies half a step before the night after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.gate import FEWEST, LAST_LOOK
from models.gate.verdict import mean_and_interval
from pipeline.retraining.families import series_of
from pipeline.retraining.gate import WINDOW, refreshes
from pipeline.retraining.nights import Estimate, Move, Night, SymbolTold

Floats = NDArray[np.float64]
NUMBERS = ("cost", "k", "beta", "gamma")


@dataclass(frozen=True, eq=False)
class Track:
    """A number over nights: value, low, high (n,), NaN where it, or its error, is not known;
    steps_x, steps: from where on which value was in force.
    """

    value: Floats
    low: Floats
    high: Floats
    steps_x: Floats
    steps: Floats


@dataclass(frozen=True, eq=False)
class SymbolSeries:
    """A symbol's numbers by name; held: (n,) of nights that were held back; begins: nights that its
    history began anew with; shares: of the order whose cost is told.
    """

    symbol: str
    shares: float
    tracks: Mapping[str, Track]
    held: NDArray[np.bool_]
    begins: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Gaps:
    """What days charged one over another, bps: x (m,) and value (m,), with the mean over the days
    that count on each of them and its 95 % interval (t), NaN below two.
    """

    x: Floats
    value: Floats
    mean: Floats
    low: Floats
    high: Floats
    counted: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CheckSeries:
    """A check over nights: value, threshold (n,), NaN where there was none; failed: (n,)."""

    name: str
    value: Floats
    threshold: Floats
    failed: NDArray[np.bool_]


def symbol_series(nights: Sequence[Night], moves: Sequence[Move]) -> list[SymbolSeries]:
    """Return the series of every symbol that any night tells of."""
    names = sorted({name for night in nights for name in night.symbols})
    return [_symbol(name, nights, moves) for name in names]


def _symbol(name: str, nights: Sequence[Night], moves: Sequence[Move]) -> SymbolSeries:
    told = [night.symbols.get(name) for night in nights]
    since = [None, *(night.since.get(name) for night in nights)]
    return SymbolSeries(
        symbol=name,
        shares=next(one.shares for one in told[::-1] if one is not None),
        tracks={number: _track(name, number, nights, moves) for number in NUMBERS},
        held=np.array([night.outcome == "kept" for night in nights]),
        begins=tuple(
            place for place in range(len(nights)) if since[place + 1] not in (None, since[place])
        ),
    )


def _track(name: str, number: str, nights: Sequence[Night], moves: Sequence[Move]) -> Track:
    found = [_estimate(night.symbols.get(name), number) for night in nights]
    ends = np.array([_ends(one) for one in found])
    by_run = {night.run_id: row[0] for night, row in zip(nights, ends, strict=True)}
    steps = in_force_steps(nights, moves)
    return Track(
        *ends.T,
        steps_x=np.array([x for x, _ in steps]),
        steps=np.array([by_run.get(run, np.nan) for _, run in steps]),
    )


def _estimate(told: SymbolTold | None, number: str) -> Estimate | None:
    return None if told is None else getattr(told, number)


def _ends(one: Estimate | None) -> tuple[float, float, float]:
    if one is None:
        return np.nan, np.nan, np.nan
    unknown = one.low is None or one.high is None
    return (one.value, *((np.nan, np.nan) if unknown else (float(one.low), float(one.high))))


def move_places(nights: Sequence[Night], moves: Sequence[Move]) -> list[float]:
    """Return where moves by hand lie among the nights."""
    return [sum(night.made <= move.made for night in nights) - 0.5 for move in moves]


def in_force_steps(nights: Sequence[Night], moves: Sequence[Move]) -> list[tuple[float, str]]:
    """Return from where on which run was in force, in order."""
    places = move_places(nights, moves)
    steps = [(float(place), night.in_force) for place, night in enumerate(nights)]
    steps += [(place, move.in_force) for place, move in zip(places, moves, strict=True)]
    return sorted(steps, key=lambda step: step[0])  # stable: moves at one place stay in order


def refit_gaps(nights: Sequence[Night]) -> Gaps:
    """Return what the refit cost over what had been in force, with the mean that the check
    `refresh` judges.
    """
    runs = []
    for place, night in enumerate(nights):
        days = refreshes(nights[:place], night.charged)
        if night.charged is not None and days and days[-1] is night.charged:
            runs.append((place, [day.difference for day in days[-WINDOW:]]))
    return _gaps(runs)


def rival_gaps(nights: Sequence[Night]) -> dict[str, Gaps]:
    """Return by challenger what its fit cost over what was in force, with the mean that its look
    judges: since the family in force is what it is, and anew behind the last look.
    """
    runs: dict[str, list[tuple[int, list[float]]]] = {}
    for place, night in enumerate(nights):
        if night.charged is None:
            continue
        own = nights[place - 1].forms if night.outcome == "changed" and place else night.forms
        for name, series in series_of(nights[:place], night.charged, own).items():
            if name in night.charged.rivals:
                first = (len(series) - 1) // LAST_LOOK * LAST_LOOK
                runs.setdefault(name, []).append((place, series[first:]))
    return {name: _gaps(some) for name, some in sorted(runs.items())}


def _gaps(runs: Sequence[tuple[int, Sequence[float]]]) -> Gaps:
    found = [mean_and_interval(np.array(series)) for _, series in runs]
    return Gaps(
        np.array([float(place) for place, _ in runs]),
        np.array([series[-1] for _, series in runs]),
        *np.array(found).reshape(-1, 3).T,
        counted=np.array([len(series) for _, series in runs], dtype=np.int64),
    )


def check_series(nights: Sequence[Night]) -> dict[str, CheckSeries]:
    """Return every check over nights by name, in the order of the checks.

    `refresh` is left out while nights are too few for it to judge: its value is their count then.
    """
    names = dict.fromkeys(check.name for night in nights for check in night.checks)
    refits = refit_gaps(nights)
    judged = {int(x) for x, count in zip(refits.x, refits.counted, strict=True) if count >= FEWEST}
    return {name: _check(name, nights, judged) for name in names}


def _check(name: str, nights: Sequence[Night], judged: set[int]) -> CheckSeries:
    value, threshold = np.full((2, len(nights)), np.nan)
    failed = np.zeros(len(nights), dtype=bool)
    for place, night in enumerate(nights):
        for check in night.checks:
            if check.name != name:
                continue
            failed[place] = not check.passes
            if check.value is None or (name == "refresh" and place not in judged):
                continue
            value[place] = check.value
            threshold[place] = np.nan if check.threshold is None else check.threshold
    return CheckSeries(name, value, threshold, failed)


def count_series(nights: Sequence[Night]) -> dict[str, Floats]:
    """Return by what is counted its numbers over nights, NaN where a record has none."""
    told = [list(night.symbols.values()) for night in nights]
    known = np.array([bool(some) for some in told])

    def counted(numbers: list[int]) -> Floats:
        return np.where(known, np.array(numbers, dtype=float), np.nan)

    return {
        "days": counted([max((one.days for one in some), default=0) for some in told]),
        "fewest_days": counted([min((one.days for one in some), default=0) for some in told]),
        "walks": counted([sum(one.walks for one in some) for some in told]),
        "touched": counted([sum(one.touched for one in some) for some in told]),
        "symbols": counted([len(some) for some in told]),
        "left_out": counted([len(night.left_out) for night in nights]),
    }
