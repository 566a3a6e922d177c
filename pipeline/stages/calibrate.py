"""Calibrate: the cost law by the book route and permanent impact by the flow route, for one
symbol.
"""

from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from models.impact.admissibility import admissibility
from models.impact.book.cost_law import CostLawFit, Family, cost_law, fit_law, identified_family
from models.impact.book.families import FamilyFit, attempt
from models.impact.book.identification import (
    Contrast,
    Range,
    asymmetry,
    attenuation,
    identification,
    lopsided,
    reliability,
)
from models.impact.book.quasi_score import SHAPE
from models.impact.book.selection import MOST_CENSORED, Comparison, compare_families, fit_selected
from models.impact.book.walks import Cells, shown, walks
from models.impact.flow.permanent import PermanentImpact, permanent_impact
from models.impact.slicing.slices import SlicePlan
from models.inference.caveat import Caveat
from models.inference.covariance import Covariance, Influence
from models.inference.joint import joined, one_step_bootstrap, slope_influence
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Calibration, Features, Forecast
from pipeline.stages.history import law_cells, past_cells, past_periods, references
from pipeline.stages.slicing import plan_in_slices
from solver import ImpactLaw

UNSTABLE = 2.0  # standard errors between the exponents of shown and of all sizes
REPETITIONS, SEED = 499, 0  # of the bootstrap, whose standard errors then have an error of 3 %
# the share of states in which trades may be cheaper than where the law's admissibility is checked
CHEAPEST = 0.05


@dataclass(frozen=True)
class CalibrateSettings:
    """The scope of the run, the family asked for (None: the one selected) and the slices."""

    scope: Scope
    family: Family | None
    slices: Literal["auto"] | int


@dataclass(frozen=True, eq=False)
class Fit:
    """All that was fitted to one symbol: the law, permanent impact, what they rest on, and slices
    within a period.
    """

    found: FamilyFit
    law: CostLawFit
    comparison: Comparison
    permanent: PermanentImpact
    flow_influence: Influence
    slices: SlicePlan


def calibrate_symbol(
    days: tuple[Features, ...], forecast: Forecast, settings: CalibrateSettings
) -> Calibration:
    """Fit g by walking the measured book and h by the long-run response of the mid to signed
    volume.

    Without a family asked for it is the one that the comparison selects; alpha is that of an order
    worked in slices.
    Raises: ValueError from the estimators when there is nothing to fit.
    """
    scope = settings.scope
    periods = past_periods(days, scope)
    cells = past_cells(days, forecast, scope)
    known = cells["volatility"].notna() & cells["thinness"].notna()
    if not known.any():
        raise ValueError(
            "no past period has a volatility and a volume forecast; the tape needs moves and trades"
        )
    blocks = cells[["date", "period", "cluster"]].drop_duplicates()
    states = periods.merge(forecast.states, on=["date", "period"], suffixes=("", "_state")).merge(
        blocks, on=["date", "period"]
    )
    cells = cells[known]
    fit = _fit(days, cells, states, settings)
    level = references(periods, forecast.states)
    thinness = (level.volume / forecast.states["volume"]).dropna().to_numpy()
    ranges, weak = identification(fit.found)
    parameters, covariance, failed = _scaled(fit, thinness, ranges)
    contrasts = _contrasts(fit, cells, states)
    facts = _facts(fit, law_cells(cells)) | {
        f"{name}{end}": value
        for name, one in contrasts.items()
        for end, value in (("", one.estimate), ("_error", one.standard_error))
    }
    facts["excluded"] += int((~known).sum())
    facts |= {
        "price": level.price,
        "volatility": level.volatility,
        "depth_shares": level.depth,
        "volume_shares": level.volume,
    }
    caveats = [
        *fit.law.warnings,
        *weak,
        *_extrapolation(cells, fit.law, scope),
        *_compared(fit, contrasts),
        *fit.permanent.warnings,
        *fit.slices.warnings,
        *_sliced(cells, fit),
        *_admissibility(cells, fit),
        *failed,
    ]
    return Calibration(
        parameters,
        covariance,
        pd.DataFrame([facts]),
        _families(fit),
        _curve(cells, fit.law),
        pd.DataFrame([asdict(caveat) for caveat in caveats], columns=["code", "message"]),
    )


def _fit(
    days: tuple[Features, ...],
    cells: pd.DataFrame,
    states: pd.DataFrame,
    settings: CalibrateSettings,
) -> Fit:
    measured = law_cells(cells)
    comparison = compare_families(measured)
    found = (
        fit_selected(measured, comparison)
        if settings.family is None
        else identified_family(measured, settings.family)
    )
    change, volume = (
        (states["mid_close"] - states["mid_open"]).to_numpy(),
        states["flow"].to_numpy(),
    )
    fitted = cost_law(found, len(measured.size), settings.scope.buckets)
    session = states["date"].astype("category").cat.codes.to_numpy(dtype=np.int64)
    sizes = np.unique(cells["size"])
    slices = (
        settings.slices if fitted.family.has_spread else 1
    )  # slicing saves nothing on the spread in the total
    plan = plan_in_slices(
        days,
        settings.scope,
        (fitted.k, found.solution.standard_error("k")),
        (float(np.median(sizes)), float(sizes[0])),
        slices,
    )
    return Fit(
        found,
        fitted,
        comparison,
        permanent_impact(change, volume, session),
        slope_influence(volume, change, states["cluster"].to_numpy()),
        plan,
    )


def _facts(fit: Fit, measured: Cells) -> dict[str, object]:
    found, flow, slices = fit.law, fit.permanent.kyle, fit.slices
    dropped = attempt(shown(measured), found.family) if found.family.fixed_k is None else ""
    k, error = float("nan"), float("nan")
    if isinstance(dropped, FamilyFit):
        k, error = dropped.solution.value("k"), dropped.solution.standard_error("k")
    return {
        "family": found.family.value,
        "route": "book",
        "observations": found.n,
        "clusters": found.clusters,
        "excluded": found.n_excluded,
        "deviance": found.deviance,
        "pseudo_r2": found.pseudo_r2,
        "censored_share": found.censored_share,
        "k_dropped": k,
        "k_dropped_error": error,
        "flow_r2": flow.r2,
        "flow_observations": flow.n,
        "flow_excluded": flow.n_excluded,
        "flow_lags": flow.lags,
        "gamma_estimator": fit.permanent.estimator,
        "gamma_kyle": flow.estimate,
        "gamma_kyle_error": flow.standard_error,
        "slices": slices.slices,
        "slice_spacing": slices.spacing_seconds,
        "slice_factor": slices.factor,
        "slice_factor_error": slices.factor_error,
        "refill_half_life": slices.half_life,
        "refill_lasting": slices.lasting,
    }


def _contrasts(fit: Fit, cells: pd.DataFrame, states: pd.DataFrame) -> dict[str, Contrast]:
    """Return buys against sells, and realized against predicted states."""
    cluster = states["cluster"].to_numpy()
    return {
        "asymmetry": asymmetry(fit.found, cells["side"].to_numpy()[fit.found.index]),
        "volatility_slope": reliability(
            np.sqrt(states["realized_variance"].to_numpy()),
            states["volatility"].to_numpy(),
            cluster,
        ),
        "volume_slope": reliability(
            states["volume"].to_numpy(), states["volume_state"].to_numpy(), cluster
        ),
    }


def _compared(fit: Fit, contrasts: dict[str, Contrast]) -> list[Caveat]:
    caveats = [*lopsided(contrasts["asymmetry"])]
    for name, slope in (("beta", "volatility_slope"), ("theta", "volume_slope")):
        caveats += (
            attenuation(name, contrasts[slope]) if name in fit.found.solution.score.free else ()
        )
    if fit.comparison.selected is not fit.law.family:
        caveats.append(
            Caveat(
                "family_not_selected",
                f"the walks support the family {fit.comparison.selected.value}; "
                f"the law is {fit.law.family.value}",
            )
        )
    return caveats


def _sliced(cells: pd.DataFrame, fit: Fit) -> list[Caveat]:
    """Say what slicing leaves out: children move the price for those after them in the same
    period.
    """
    count, gamma, size = fit.slices.slices, fit.permanent.gamma, float(cells["size"].median())
    if count == 1 or gamma == 0:
        return []
    moved = gamma * (1 - 1 / count) * size**2 / 2
    return [
        Caveat(
            "slices_permanent",
            f"{count} children a period: the permanent impact of earlier on later ones, "
            f"{moved:.3g} for {size:,.0f} shares, is not in the law",
        )
    ]


def _admissibility(cells: pd.DataFrame, fit: Fit) -> tuple[Caveat, ...]:
    """Check the law in a cheap state, for trades of the grid's sizes."""
    state = (cells[name].to_numpy() for name in ("bucket", "volatility", "thinness"))
    scale = float(np.quantile(fit.law.at(*state).scale, CHEAPEST))
    spread = float(cells["half_spread"].mean()) * fit.law.family.has_spread
    sizes = cells["size"]
    return admissibility(
        ImpactLaw(alpha=scale, k=fit.law.k, gamma=fit.permanent.gamma, spread=spread),
        float(sizes.min()),
        float(sizes.max()),
    )


def _extrapolation(cells: pd.DataFrame, found: CostLawFit, scope: Scope) -> list[Caveat]:
    """Say up to which size the book showed its cost, and whether the exponent there is that of all
    sizes.
    """
    censored = cells.groupby("size")["censored"].mean()
    held = censored.index[censored <= MOST_CENSORED]
    if len(held) == len(censored):
        return []
    limit = f"{held.max():,.0f} shares" if len(held) else "no size of the grid"
    caveats = [
        Caveat(
            "extrapolated",
            f"displayed depth held {limit} at least half of the time: costs of larger orders "
            "are extrapolated",
        )
    ]
    if found.family.fixed_k is None and len(held) > 2:
        part = fit_law(law_cells(cells[cells["size"].isin(held)]), found.family, scope.buckets)
        apart = np.hypot(part.standard_error("k"), found.standard_error("k"))
        if part.family is found.family and abs(part.k - found.k) > UNSTABLE * apart:
            caveats.append(
                Caveat(
                    "k_unstable",
                    f"k is {part.k:.3g} on the sizes that the book shows and {found.k:.3g} "
                    "on all: its standard error leaves this out",
                )
            )
    return caveats


def _scaled(
    fit: Fit, thinness: np.ndarray, ranges: tuple[Range, ...]
) -> tuple[pd.DataFrame, pd.DataFrame, list[Caveat]]:
    """Move the mean of thinness^theta and the slices' factor into alpha, carry the errors along,
    and add gamma.
    """
    names, values = list(fit.law.names), np.array(fit.law.values, dtype=float)
    theta = values[names.index("theta")]
    level, log_thinness = thinness**theta, np.log(thinness)
    levels = [row for row, name in enumerate(names) if name.startswith("log_alpha")]
    jacobian = np.eye(len(names))
    values[levels] += np.log(level.mean()) + np.log(fit.slices.factor)
    jacobian[levels, names.index("theta")] += (level * log_thinness).mean() / level.mean()
    jacobian[levels, names.index("k")] += fit.slices.derivative_k
    moved = Influence(
        fit.law.influence.labels, fit.law.influence.values @ jacobian.T, fit.law.influence.dof
    )
    own = Covariance(fit.law.names, fit.law.covariance.delta(jacobian), fit.law.covariance.dof)
    full = joined(own, moved, "gamma", fit.flow_influence, fit.permanent.standard_error)
    refill = np.zeros_like(full.matrix)
    refill[np.ix_(levels, levels)] = fit.slices.refill_error**2
    full = replace(full, matrix=full.matrix + refill)
    bootstrap_error, failed = _bootstrapped(values, fit.law, jacobian)
    values = np.append(values, fit.permanent.gamma)
    free = full.standard_errors > 0  # the others are fixed by the family, not estimated
    profiles = pd.DataFrame(
        [(each.name, each.low, each.high) for each in ranges],
        columns=["name", "profile_low", "profile_high"],
    )
    frame = pd.DataFrame(
        {
            "name": full.names,
            "value": values,
            "standard_error": full.standard_errors,
            "dof": full.dof,
            "low": values - full.reach(),
            "high": values + full.reach(),
            "bootstrap_error": np.append(bootstrap_error, np.nan),
        }
    )
    frame.loc[~free, frame.columns[2:]] = np.nan
    frame = frame.merge(profiles, on="name", how="left").assign(
        unit=[
            "currency / share^2"
            if name == "gamma"
            else "log(currency / share^k)"
            if name.startswith("log_alpha")
            else "1"
            for name in full.names
        ],
        source=[
            "models.impact.flow.permanent.permanent_impact"
            if name == "gamma"
            else "models.impact.book.cost_law.fit_law"
            for name in full.names
        ],
    )
    return (
        frame,
        pd.DataFrame(full.matrix, columns=list(full.names)).assign(name=full.names),
        failed,
    )


def _bootstrapped(
    values: np.ndarray, found: CostLawFit, jacobian: np.ndarray
) -> tuple[np.ndarray, list[Caveat]]:
    """Return the errors by resampled clusters, NaN where most samples lack a whole bucket, and say
    how many do.
    """
    try:
        drawn = one_step_bootstrap(
            values, found.sums, jacobian @ found.transform, REPETITIONS, SEED
        )
    except ValueError as error:
        message = (
            f"no bootstrap errors: clusters are too few for {len(values) - len(SHAPE)} "
            f"buckets ({error})"
        )
        return np.full(len(values), np.nan), [Caveat("bootstrap_failed", message)]
    if not drawn.failed:
        return drawn.standard_errors, []
    message = (
        f"{drawn.failed} of {REPETITIONS} resamples of clusters lack a whole bucket and are "
        "left out"
    )
    return drawn.standard_errors, [Caveat("bootstrap_incomplete", message)]


def _families(fit: Fit) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(score) for score in fit.comparison.scores])
    return frame.assign(
        family=[score.family.value for score in fit.comparison.scores],
        selected=[score.family is fit.comparison.selected for score in fit.comparison.scores],
        used=[score.family is fit.law.family for score in fit.comparison.scores],
    )


def _curve(cells: pd.DataFrame, found: CostLawFit) -> pd.DataFrame:
    size, half_spread, *state = (
        cells[name].to_numpy()
        for name in ("size", "half_spread", "bucket", "volatility", "thinness")
    )
    fitted = found.cost(size, half_spread, *state) - half_spread * size
    beside = half_spread * size * (not found.family.has_spread)
    corrected = (
        walks(law_cells(cells), spread=not found.family.has_spread).completed(size, found.k)
        - beside
    )
    frame = cells.assign(fitted=fitted, corrected=corrected, observed=cells["excess"])
    columns = ["observed", "corrected", "fitted", "censored", "half_spread"]
    return frame.groupby(["side", "size"], as_index=False)[columns].mean()
