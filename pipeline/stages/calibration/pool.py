"""Pool: calibrations of several symbols borrow from each other, and each one's levels from their
neighbours in time.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from models.inference.covariance import Covariance
from models.pooling.reference_state import at_reference_state
from models.pooling.symbols import Pooled, SymbolEstimates, pool
from models.pooling.time_of_day import ProfileFit, shrink_profile
from pipeline.engine.tables import Calibration
from pipeline.stages.calibration.day_variances import LentDays, lent_days

REFERENCE_SHARE = (
    0.1  # of a period's volume: the order whose cost is the level that symbols have in common
)
LAW, PERMANENT = ("level", "k", "beta", "theta"), ("gamma",)
COVERED = 0.975  # both tails: 95 % intervals
LEAST_EXPLAINED = 10  # symbols from which on the level may depend on depth over volume


@dataclass(frozen=True)
class PoolSettings:
    """The number of periods in a full session, over which time-of-day levels are spread."""

    periods: int


@dataclass(frozen=True)
class PooledSymbol:
    """One symbol's calibration after pooling.

    profile: period, log_alpha (the smooth curve), standard_error, one row a period of a full
        session.
    shrinkage: parameter, estimate, estimate_error, pooled, pooled_error, own_weight (of the
        symbol's own estimate), centre (of all symbols), between (standard deviation between
        symbols), effective_dof, symbols; level and gamma dimensionless, as symbols are compared.
        Then the levels by bucket, in logs, with the weights within the profile.
    """

    symbol: str
    calibration: Calibration
    profile: pd.DataFrame
    shrinkage: pd.DataFrame


@dataclass(frozen=True)
class _Member:
    """A symbol with all its parameters and the derivative of the compared ones, in `names`, in
    them. common: of the covariance, what days do to all symbols alike, which no pooling takes away.
    """

    symbol: str
    calibration: Calibration
    names: tuple[str, ...]
    jacobian: np.ndarray
    shift: np.ndarray
    common: np.ndarray

    @property
    def values(self) -> np.ndarray:
        return self.calibration.parameters["value"].to_numpy(dtype=float)

    @property
    def covariance(self) -> np.ndarray:
        return self.calibration.covariance.drop(columns="name").to_numpy(dtype=float)

    def estimate(self, regressors: tuple[float, ...]) -> SymbolEstimates:
        spread = self.jacobian @ (self.covariance - self.common) @ self.jacobian.T
        values = self.jacobian @ self.values + self.shift
        if self.names == PERMANENT and values[0] == 0:  # set to 0 by its caveat: not an estimate
            values = np.array([np.nan])
        return SymbolEstimates(self.symbol, values, Covariance(self.names, spread), regressors)


def pool_symbols(
    calibrations: tuple[tuple[str, Calibration], ...], settings: PoolSettings
) -> tuple[PooledSymbol, ...]:
    """Pool the laws of symbols of one family, and gamma over all symbols; then smooth each symbol's
    levels.

    Levels are compared as the cost per share of an order of a tenth of a period's volume at the
    reference volatility, over that volatility, and gamma as the move by a period's volume over the
    same. Below ten days symbols lend each other what they know of the variance between days, and
    what days do to all alike stays. A parameter that was fixed stays. Of two or three symbols none
    is pooled, and it is said.
    What other symbols say of gamma does not lift it above what a symbol's own trades move at once.
    """
    lent = {one.symbol: one for one in lent_days(calibrations)}
    current = {symbol: _restated(one.calibration, back=False) for symbol, one in lent.items()}
    shrinkage: dict[str, list[pd.DataFrame]] = {symbol: [] for symbol in current}
    families = {symbol: one.facts["family"].iloc[0] for symbol, one in current.items()}
    groups = [
        (LAW, [symbol for symbol in current if families[symbol] == family])
        for family in sorted(set(families.values()))
    ]
    for names, symbols in [*groups, (PERMANENT, list(current))]:
        members = [_member(lent[symbol], current[symbol], names) for symbol in symbols]
        estimates = tuple(map(_Member.estimate, members, _regressors(members)))
        pooled = pool(estimates)
        for member, estimate in zip(members, estimates, strict=True):
            current[member.symbol] = _carried(member, pooled)
            shrinkage[member.symbol].append(_weights(estimate, pooled))
    own = {symbol: one.calibration for symbol, one in lent.items()}
    smoothed = (
        _smoothed(symbol, _restated(one, back=True), shrinkage[symbol], settings)
        for symbol, one in current.items()
    )
    return tuple(
        replace(one, calibration=_bounded(one.calibration, own[one.symbol])) for one in smoothed
    )


def _restated(calibration: Calibration, back: bool) -> Calibration:
    names = calibration.parameters["name"]
    values, matrix = at_reference_state(
        calibration.parameters["value"].to_numpy(dtype=float),
        calibration.covariance.drop(columns="name").to_numpy(dtype=float),
        _is_level(calibration),
        names.tolist().index("beta"),
        back,
    )
    return _replaced(calibration, values, matrix, [])


def _is_level(calibration: Calibration) -> np.ndarray:
    return calibration.parameters["name"].str.startswith("log_alpha_").to_numpy()


def _member(lent: LentDays, calibration: Calibration, names: tuple[str, ...]) -> _Member:
    """Return the symbol with its compared parameters: linear in all parameters, but for a shift."""
    facts = calibration.facts.iloc[0]
    places = {name: place for place, name in enumerate(calibration.parameters["name"])}
    levels = [place for name, place in places.items() if name.startswith("log_alpha_")]
    jacobian, shift = np.zeros((len(names), len(places))), np.zeros(len(names))
    reference = np.log(REFERENCE_SHARE * facts["volume_shares"])
    for row, name in enumerate(names):
        if name == "level":
            jacobian[row, levels] = 1 / len(levels)
            jacobian[row, places["k"]] = reference
            shift[row] = -reference - np.log(facts["volatility"])
        else:
            jacobian[row, places[name]] = (
                facts["volume_shares"] / facts["volatility"] if name == "gamma" else 1.0
            )
    beta = lent.calibration.parameters["value"].to_numpy(dtype=float)
    _, common = at_reference_state(beta, lent.common, _is_level(calibration), places["beta"])
    return _Member(lent.symbol, calibration, names, jacobian, shift, common)


def _regressors(members: list[_Member]) -> list[tuple[float, ...]]:
    """Return what the level may depend on beside the units: nothing, or the log of displayed depth
    over volume.
    """
    ratio = np.array(
        [
            one.calibration.facts["depth_shares"].iloc[0]
            / one.calibration.facts["volume_shares"].iloc[0]
            for one in members
        ]
    )
    if members[0].names != LAW or len(members) < LEAST_EXPLAINED or not (ratio > 0).all():
        return [()] * len(members)
    return [(float(value),) for value in np.log(ratio)]


def _carried(member: _Member, pooled: Pooled) -> Calibration:
    values, matrix = pooled.carried(
        member.symbol, member.values, member.covariance - member.common, member.jacobian
    )
    caveats = [
        (caveat.code, caveat.message) for caveat in pooled.warnings if len(pooled.symbols) > 1
    ]
    return _replaced(member.calibration, values, matrix + member.common, caveats)


def _replaced(
    calibration: Calibration, values: np.ndarray, matrix: np.ndarray, caveats: list[tuple[str, str]]
) -> Calibration:
    errors = np.sqrt(np.diag(matrix))
    errors[errors == 0] = np.nan  # fixed by the family, not estimated
    names = list(calibration.parameters["name"])
    warnings = pd.DataFrame(caveats, columns=["code", "message"])
    reach = errors * stats.t.ppf(COVERED, calibration.parameters["dof"])
    return replace(
        calibration,
        parameters=calibration.parameters.assign(
            value=values, standard_error=errors, low=values - reach, high=values + reach
        ),
        covariance=pd.DataFrame(matrix, columns=names).assign(name=names),
        warnings=pd.concat([calibration.warnings, warnings], ignore_index=True).drop_duplicates(
            ignore_index=True
        ),
    )


def _bounded(calibration: Calibration, own: Calibration) -> Calibration:
    """Hold gamma and its interval between 0 and the immediate response, where that is identified.

    own: before pooling; its interval stands where pooling moved nothing.
    """
    table, facts = calibration.parameters.copy(), calibration.facts.copy()
    row = table.index[table["name"] == "gamma"][0]
    columns, ends = ["value", "standard_error"], ["low", "high"]
    mine, before = (one.loc[row, columns].to_numpy(dtype=float) for one in (table, own.parameters))
    gamma = float(mine[0])
    most, most_error = (float(facts[f"gamma_immediate{end}"].iloc[0]) for end in ("", "_error"))
    if np.allclose(mine, before, rtol=1e-9, atol=0.0):
        table.loc[row, ends] = own.parameters.loc[row, ends]
        return replace(calibration, parameters=table)
    if not np.isfinite(most):
        return calibration
    likely = most + stats.t.ppf(COVERED, table.loc[row, "dof"]) * most_error
    table.loc[row, "value"] = min(gamma, most)
    table.loc[row, ends] = np.clip(table.loc[row, ends].astype(float), 0.0, likely)
    facts["gamma_share"] = table.loc[row, "value"] / most if most > 0 else 0.0
    warnings = calibration.warnings
    if gamma > most:  # how far below it may lie, its own estimate says
        table.loc[row, "low"] = min(table.loc[row, "low"], own.parameters.loc[row, "low"])
        message = (
            f"pooled over symbols it is {gamma:.3g}, above what trades move at once: it is that"
        )
        said = pd.DataFrame([("gamma_at_immediate", message)], columns=["code", "message"])
        warnings = pd.concat([warnings, said], ignore_index=True)
    return replace(calibration, parameters=table, facts=facts, warnings=warnings)


def _weights(estimate: SymbolEstimates, pooled: Pooled) -> pd.DataFrame:
    place = pooled.symbols.index(estimate.symbol)
    return pd.DataFrame(
        {
            "parameter": pooled.names,
            "estimate": estimate.values,
            "estimate_error": estimate.covariance.standard_errors,
            "pooled": pooled.values[place],
            "pooled_error": pooled.standard_errors[place],
            "own_weight": pooled.own_weight[place],
            "centre": pooled.centre @ (1.0, *estimate.regressors),
            "between": np.sqrt(pooled.between),
            "effective_dof": pooled.effective_dof,
            "symbols": np.isfinite(pooled.values).sum(axis=0),
        }
    )


def _smoothed(
    symbol: str, calibration: Calibration, pooled: list[pd.DataFrame], settings: PoolSettings
) -> PooledSymbol:
    table = calibration.parameters
    is_level = _is_level(calibration)
    order = np.argsort(~is_level, kind="stable")  # levels first
    back = np.argsort(order)
    buckets = int(is_level.sum())
    matrix = calibration.covariance.drop(columns="name").to_numpy(dtype=float)[np.ix_(order, order)]
    values = table["value"].to_numpy(dtype=float)[order]
    middle = (np.arange(settings.periods) + 0.5) / settings.periods
    bucket = np.arange(settings.periods) * buckets // settings.periods
    midpoints = np.bincount(bucket, middle) / np.bincount(bucket)
    fit = shrink_profile(values, matrix, midpoints, middle)
    caveats = [(caveat.code, caveat.message) for caveat in fit.warnings]
    profile = pd.DataFrame(
        {
            "period": np.arange(settings.periods),
            "log_alpha": fit.curve,
            "standard_error": fit.curve_errors,
        }
    )
    return PooledSymbol(
        symbol,
        _replaced(calibration, fit.values[back], fit.covariance[np.ix_(back, back)], caveats),
        profile,
        pd.concat([*pooled, _levels(values, matrix, fit)], ignore_index=True),
    )


def _levels(values: np.ndarray, matrix: np.ndarray, fit: ProfileFit) -> pd.DataFrame:
    buckets = len(fit.weights)
    return pd.DataFrame(
        {
            "parameter": [f"log_alpha_{bucket}" for bucket in range(buckets)],
            "estimate": values[:buckets],
            "estimate_error": np.sqrt(np.diag(matrix)[:buckets]),
            "pooled": fit.values[:buckets],
            "pooled_error": np.sqrt(np.diag(fit.covariance)[:buckets]),
            "own_weight": fit.own_weight,
            "centre": fit.curve.mean(),
            "between": fit.deviation,
            "effective_dof": fit.effective_dof,
            "symbols": 1,
        }
    )
