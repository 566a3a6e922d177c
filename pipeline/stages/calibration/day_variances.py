"""What moves a symbol's law from day to day, told by calibration and lent between symbols."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit
from models.pooling.day_variance import DayVariance, lent
from pipeline.engine.tables import Calibration
from pipeline.stages.calibration.estimates import ExportedEstimates

DIRECTIONS = ("level", "exponent")
VARIANCES = tuple(f"variance_{direction}" for direction in DIRECTIONS)
COLUMNS = ("date", "direction", "shift", "dof", "noise", *VARIANCES)


@dataclass(frozen=True)
class LentDays:
    """A symbol's calibration given how days differ for all; common: of its covariance, (p, p), what
    days do to all symbols alike.
    """

    symbol: str
    calibration: Calibration
    common: np.ndarray


def day_table(law: CostLawFit, estimates: ExportedEstimates, dates: np.ndarray) -> pd.DataFrame:
    """Return the table `days` of `Calibration`; dates: of the days of the law's cells, sorted."""
    shifts, responses = law.influence.shifts, estimates.day_responses
    if shifts is None or responses is None:
        return pd.DataFrame(columns=[*COLUMNS, *estimates.names])
    days, size = shifts.shifts.shape
    variance = np.zeros((size, len(DIRECTIONS)))
    variance[:, :size] = shifts.variance
    table = pd.DataFrame(
        {
            "date": np.repeat(dates[shifts.labels], size),
            "direction": np.tile(DIRECTIONS[:size], days),
            "shift": shifts.shifts.ravel(),
            "dof": np.tile(shifts.dof, days),
            "noise": np.tile(np.diag(shifts.noise), days),
        }
    )
    table[list(VARIANCES)] = np.tile(variance, (days, 1))
    table[list(estimates.names)] = responses.reshape(days * size, -1)
    return table


def lent_days(calibrations: tuple[tuple[str, Calibration], ...]) -> tuple[LentDays, ...]:
    """Return calibrations with the variance between days that all symbols of the same days tell.

    Source: `models.pooling.day_variance.lent`.
    """
    own = {symbol: _variance(symbol, one) for symbol, one in calibrations if len(one.days)}
    days = {symbol: tuple(one.days["date"]) for symbol, one in calibrations if len(one.days)}
    given: dict[str, DayVariance] = {}
    for same in sorted(set(days.values())):
        group = tuple(one for symbol, one in own.items() if days[symbol] == same)
        given |= {one.symbol: one for one in lent(group)}
    return tuple(
        _with(symbol, one, own[symbol], given[symbol]) if symbol in own else _alone(symbol, one)
        for symbol, one in calibrations
    )


def _alone(symbol: str, calibration: Calibration) -> LentDays:
    return LentDays(symbol, calibration, np.zeros((len(calibration.parameters),) * 2))


def _variance(symbol: str, calibration: Calibration) -> DayVariance:
    table = calibration.days
    size = table["direction"].nunique()
    first = table.iloc[:size]
    return DayVariance(
        symbol=symbol,
        shifts=table["shift"].to_numpy().reshape(-1, size),
        variance=first[list(VARIANCES[:size])].to_numpy(dtype=float),
        noise=first["noise"].to_numpy(dtype=float),
        dof=first["dof"].to_numpy(dtype=float),
        common=np.zeros((size, size)),
    )


def _with(symbol: str, calibration: Calibration, own: DayVariance, given: DayVariance) -> LentDays:
    """Put one variance between days in the place of another, in errors and degrees of freedom."""
    if given is own:
        return _alone(symbol, calibration)
    table = calibration.parameters
    names = table["name"].tolist()
    responses = calibration.days[names].to_numpy().reshape(*own.shifts.shape, len(names))

    def between(variance: np.ndarray) -> np.ndarray:
        return np.einsum("drp,rs,dsq->pq", responses, variance, responses)

    old = calibration.covariance[names].to_numpy(dtype=float)
    matrix = old + between(given.variance - own.variance)
    before, after = np.diag(old), np.diag(matrix)
    seen, share = _seen(responses, own, before)
    rest = np.maximum(before**2 / table["dof"].to_numpy(dtype=float) - share, 0.0)
    _, share = _seen(responses, given, after)
    dof = np.divide(after**2, rest + share, out=np.full(len(names), np.nan), where=after > 0)
    parameters = table.assign(
        dof=np.where(seen > 0, dof, table["dof"]),
        standard_error=np.where(after > 0, np.sqrt(np.maximum(after, 0.0)), np.nan),
    )
    covariance = pd.DataFrame(matrix, columns=names).assign(name=names)
    changed = replace(calibration, parameters=parameters, covariance=covariance)
    return LentDays(symbol, changed, between(given.common))


def _seen(
    responses: np.ndarray, of: DayVariance, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance that days and noise along their directions make, (p,), at most `most`,
    and its square over its degrees of freedom.
    """
    parts = (responses**2).sum(axis=0) * (np.diag(of.variance) + of.noise)[:, None]
    total = parts.sum(axis=0)
    spread = (parts**2 / of.dof[:, None]).sum(axis=0)
    held = np.minimum(total, most)
    scale = np.divide(held, total, out=np.zeros(len(total)), where=total > 0)
    return held, spread * scale**2
