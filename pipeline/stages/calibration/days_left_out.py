"""How far the estimates move where one day of the history is left out, and where one day makes
them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.impact.book.cost_law import fit_law, is_level
from models.inference.caveat import Caveat
from models.inference.leave_out import changes_without, slopes_without
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Features
from pipeline.stages.calibration.estimates import ExportedEstimates, SymbolFit
from pipeline.stages.calibration.permanent import permanent_of
from pipeline.stages.history import law_cells

Floats = NDArray[np.float64]
FEW_DAYS = 3  # from which on one of them may be said to carry an estimate
ERRORS = 2.0  # standard errors that one day moves an estimate by, or
SHARE = 0.8  # of the summed squared moves that is one day's
LARGE = {"alpha": 0.25, "k": 0.1, "beta": 0.25, "gamma": 0.25}  # of a log, of 1, of the estimate
MOST_REFITS = 3  # days that the law, and gamma, are fitted without, where the step is large


@dataclass(frozen=True, eq=False)
class FittedHistory:
    """What the estimates were fitted to: the days, their cells and periods, the run's scope."""

    days: tuple[Features, ...]
    cells: pd.DataFrame
    states: pd.DataFrame
    scope: Scope


def days_left_out(fit: SymbolFit, history: FittedHistory) -> pd.DataFrame:
    """Return one row a day: date, and each parameter's change where the day is left out.

    The law's by one Newton step on the other days; gamma's in proportion to the slope of mid
    changes on signed volume without the day. The three days that so move an estimate most, by what
    is large, are left out and all fitted again.
    """
    cells, states = history.cells, history.states
    held = cells[["cluster", "date"]].drop_duplicates("cluster").set_index("cluster")["date"]
    dates = np.unique(held.to_numpy(dtype=str))
    day = np.searchsorted(dates, held.loc[fit.law.sums.labels].to_numpy(dtype=str))
    labels, moved = changes_without(fit.law.sums, fit.law.transform, day)
    frame = pd.DataFrame(moved, columns=list(fit.law.names), index=dates[labels])
    change = (states["mid_close"] - states["mid_open"]).to_numpy()
    place = np.searchsorted(dates, states["date"].to_numpy(dtype=str))
    slope, places, without = slopes_without(states["flow"].to_numpy(dtype=float), change, place)
    ratio = without / slope - 1 if slope else np.full(len(without), np.nan)
    frame["gamma"] = pd.Series(fit.permanent.gamma * ratio, index=dates[places])
    if len(frame) > 1:
        _refitted(frame, fit, history)
    return frame.rename_axis("date").reset_index()


def _refitted(frame: pd.DataFrame, fit: SymbolFit, history: FittedHistory) -> None:
    """Put refits in place of the steps that are large, in the table itself."""
    law, names = fit.law, list(fit.law.names)
    values = dict(zip(names, law.values, strict=True)) | {"gamma": fit.permanent.gamma}
    size = history.cells["size"].to_numpy()
    compared = {name: np.abs(_compared(frame, name, size)) / _large(name, values) for name in LARGE}
    for columns, by in ((names, ("alpha", "k", "beta")), (["gamma"], ("gamma",))):
        reach = np.max([np.nan_to_num(compared[name], nan=0.0) for name in by], axis=0)
        for place in np.argsort(-reach, kind="stable")[:MOST_REFITS]:
            if reach[place] > 1:
                date = str(frame.index[place])
                found = _without(date, fit, history, columns == ["gamma"])
                frame.loc[date, columns] = found - [values[name] for name in columns]


def _without(date: str, fit: SymbolFit, history: FittedHistory, permanent: bool) -> Floats:
    """Return the law's values, or gamma, fitted to the other days; NaN where they do not do."""
    cells, states = (each[each["date"] != date] for each in (history.cells, history.states))
    try:
        if not permanent:
            rest = law_cells(cells, history.scope.half_life)
            return fit_law(rest, fit.law.family, history.scope.buckets).values
        days = tuple(one for one in history.days if one.periods["date"].iloc[0] != date)
        dof = float(fit.flow_influence.dof[0])
        found = permanent_of(days, states.reset_index(drop=True), history.scope, dof)
        return np.array([found.gamma])
    except ValueError:
        return np.full(1 if permanent else len(fit.law.names), np.nan)


def _compared(without: pd.DataFrame, name: str, size: Floats) -> Floats:
    """Return how far what is compared of a parameter moves without each day, (D,).

    alpha: the level of the cost of the grid's geometric mean size, in logs.
    """
    names = [each for each in without.columns if each != "date"]
    weight = _weights(names, name, float(np.log(size).mean()))
    return np.asarray(without[names].to_numpy(dtype=float)[:, weight != 0] @ weight[weight != 0])


def _large(name: str, values: dict[str, float]) -> float:
    return LARGE[name] * (abs(values[name]) if name in ("beta", "gamma") else 1.0) or np.inf


def one_day_carries(
    without: pd.DataFrame, estimates: ExportedEstimates, size: Floats
) -> Iterator[Caveat]:
    """Yield a caveat for each of alpha, k, beta and gamma that one day of several makes.

    alpha: the level of the cost of the grid's geometric mean size, in logs.
    """
    if len(without) < FEW_DAYS:
        return
    names = list(estimates.names)
    matrix, values = estimates.covariance.matrix, dict(zip(names, estimates.values, strict=True))
    for name, large in LARGE.items():
        weight = _weights(names, name, float(np.log(size).mean()))
        moves = _compared(without, name, size)
        error = float(np.sqrt(max(weight @ matrix @ weight, 0.0)))
        scale = abs(values[name]) if name in ("beta", "gamma") else 1.0
        told = np.isfinite(moves).any() and np.nansum(moves**2) > 0
        if not told or not error > 0 or not scale > 0:
            continue
        place = int(np.nanargmax(np.abs(moves)))
        most, share = moves[place], moves[place] ** 2 / np.nansum(moves**2)
        if abs(most) > large * scale and (abs(most) > ERRORS * error or share > SHARE):
            relative = name in ("beta", "gamma")
            far = f"by {most / scale:+.0%}" if relative else f"by {most:+.2f}"
            far = f"by {np.expm1(most):+.0%}" if name == "alpha" else far
            yield Caveat(
                "one_day_carries",
                f"without {without['date'].iloc[place]} {name} moves {far}, "
                f"{abs(most) / error:.1f} standard errors: the estimate rests on that day",
            )


def _weights(names: list[str], name: str, log_size: float) -> Floats:
    """Return what makes the compared number of the parameters."""
    if name != "alpha":
        return np.array([float(each == name) for each in names])
    levels = is_level(names)
    return levels / levels.sum() + log_size * np.array([each == "k" for each in names])
