"""Calibrate: g by the book route and permanent impact by the flow route, for one symbol."""

from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from models.forecast.book.mid_move import MidMoveFit
from models.impact.admissibility import admissibility
from models.impact.book.cost_law import CostLawFit, cost_law, identified_family, is_level
from models.impact.book.families import Family, FamilyFit
from models.impact.book.identification import Contrast, asymmetry, identification, reliability
from models.impact.book.selection import Comparison, compare_families, fit_selected
from models.impact.book.walks import Cells
from models.impact.flow.bounded import BoundedImpact
from models.impact.flow.state_response import StateComparison
from models.inference.covariance import Covariance
from models.inference.joint import slope_influence
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Calibration, Features, Forecast
from pipeline.stages.calibration.calibrated_states import calibrated_states
from pipeline.stages.calibration.day_variances import day_table
from pipeline.stages.calibration.days_left_out import FittedHistory, days_left_out, one_day_carries
from pipeline.stages.calibration.estimates import ExportedEstimates, SymbolFit, exported_estimates
from pipeline.stages.calibration.law_checks import compared
from pipeline.stages.calibration.permanent import permanent_of
from pipeline.stages.calibration.reach import curvature, law_reach
from pipeline.stages.history import (
    References,
    law_cells,
    past_cells,
    past_periods,
    past_states,
    references,
    shown,
    thinness,
)
from pipeline.stages.measuring.flow_moves import measured_state_response
from pipeline.stages.measuring.mid_moves import measured_mid_move
from pipeline.stages.measuring.refill import measured_refill
from solver import Extrapolation, ImpactLaw


@dataclass(frozen=True)
class CalibrateSettings:
    """The scope of the run and the family asked for (None: the one selected)."""

    scope: Scope
    family: Family | None


def calibrate_symbol(
    days: tuple[Features, ...], forecast: Forecast, settings: CalibrateSettings
) -> Calibration:
    """Fit g by walking the book, and h by the long-run response of the mid to signed volume.

    The states of g are predictions moved to the mean of what came of them. The response is held
    below what the same trades move at once. Without a family asked for it is the one that the
    comparison selects; alpha is that of one order a period.
    Raises: ValueError from the estimators when there is nothing to fit.
    """
    scope = settings.scope
    periods, cells = past_periods(days, scope), past_cells(days, forecast, scope)
    states = past_states(periods, forecast, cells)
    known = cells["volatility"].notna() & cells["thinness"].notna()
    if not known.any():
        raise ValueError(
            "no past period has a volatility and a volume forecast; the tape needs moves and trades"
        )
    calibrated, predicted = calibrated_states(states), cells[known]
    cells = calibrated.moved(predicted)
    fitted = shown(cells)
    measured = law_cells(fitted, scope.half_life)
    comparison = compare_families(measured)
    found = _family(measured, comparison, settings)
    fit = _fit(days, fitted, states, found, settings)
    as_predicted = (shown(predicted), found.family, scope.buckets, scope.half_life)
    law = calibrated.with_errors(fit.law, *as_predicted)
    fit = replace(fit, law=law)
    reach, sizes = law_reach(cells, fit.law)
    level = references(periods, forecast.states)
    thin = thinness(forecast.states, level).dropna().to_numpy()
    ranges, weak = identification(found)
    estimates = exported_estimates(fit, thin, ranges)
    contrasts = _contrasts(found, fitted, calibrated.fitted)
    without = days_left_out(fit, FittedHistory(days, fitted, states, scope))
    caveats = [
        *fit.law.warnings,
        *weak,
        *calibrated.caveats,
        *curvature(sizes, fit.law),
        *compared(found, comparison, contrasts),
        *fit.permanent.warnings,
        *fit.refill.warnings,
        *admissibility(ImpactLaw(alpha=fit.law.alpha, k=fit.law.k)),
        *estimates.warnings,
        *one_day_carries(without, estimates, measured.size),
    ]
    facts = _facts(fit) | _reach_facts(reach) | _contrast_facts(contrasts) | calibrated.facts
    facts |= _mid_move_facts(measured_mid_move(days, scope))
    facts |= _state_response_facts(measured_state_response(days, scope))
    facts["least_child"] = float(cells["size"].min())
    facts["excluded"] = fit.law.n_excluded + int((~known).sum())
    return Calibration(
        parameters=_parameter_table(estimates),
        covariance=_covariance_table(estimates.covariance),
        facts=pd.DataFrame([facts | _reference_facts(level)]),
        families=_family_table(comparison, fit.law.family),
        sizes=sizes,
        curve=_curve_table(cells, fit.law),
        without=without,
        warnings=pd.DataFrame([asdict(one) for one in caveats], columns=["code", "message"]),
        days=day_table(fit.law, estimates, np.unique(fitted["date"].to_numpy(dtype=str))),
    )


def _family(measured: Cells, comparison: Comparison, settings: CalibrateSettings) -> FamilyFit:
    if settings.family is None:
        return fit_selected(measured, comparison)
    return identified_family(measured, settings.family)


def _fit(
    days: tuple[Features, ...],
    cells: pd.DataFrame,
    states: pd.DataFrame,
    found: FamilyFit,
    settings: CalibrateSettings,
) -> SymbolFit:
    change = (states["mid_close"] - states["mid_open"]).to_numpy()
    volume = states["flow"].to_numpy()
    law = cost_law(found, len(cells), settings.scope.buckets)
    influence = slope_influence(volume, change, states["cluster"].to_numpy())
    permanent = permanent_of(days, states, settings.scope, float(influence.dof[0]))
    return SymbolFit(law, permanent, influence, measured_refill(days, settings.scope))


def _facts(fit: SymbolFit) -> dict[str, object]:
    found, flow, refill = fit.law, fit.permanent.long_run.kyle, fit.refill
    return {
        "family": found.family.value,
        "route": "book",
        "observations": found.n,
        "clusters": found.clusters,
        "excluded": found.n_excluded,
        "deviance": found.deviance,
        "pseudo_r2": found.pseudo_r2,
        "censored_share": found.censored_share,
        "flow_r2": flow.r2,
        "flow_observations": flow.n,
        "flow_excluded": flow.n_excluded,
        "flow_lags": flow.lags,
        "refill_half_life": refill.half_life,
        "refill_half_life_upper": refill.upper_half_life,
    } | _gamma_facts(fit.permanent)


def _mid_move_facts(found: MidMoveFit) -> dict[str, object]:
    return {f"mid_move_{name}": value for name, value in vars(found).items()}


def _reach_facts(reach: Extrapolation | None) -> dict[str, object]:
    names = ("shown", "measured_to", "walk_low", "walk_high")
    return {name: np.nan if reach is None else getattr(reach, name) for name in names}


def _state_response_facts(found: StateComparison | None) -> dict[str, object]:
    """Return what spread and depth tell of gamma beyond a constant one, NaN where unknown."""
    values = (np.nan,) * 4
    if found is not None:
        values = (found.difference, found.error, *found.gamma[1:])
    names = ("gain", "gain_error", "spread", "depth")
    told = {f"gamma_state_{name}": one for name, one in zip(names, values, strict=True)}
    return told | {"gamma_state_beats": bool(found is not None and found.beats)}


def _gamma_facts(found: BoundedImpact) -> dict[str, object]:
    return {
        "gamma_estimator": found.long_run.estimator,
        "gamma_kyle": found.long_run.kyle.estimate,
        "gamma_kyle_error": found.long_run.kyle.standard_error,
        "gamma_long_run": found.long_run.estimate,
        "gamma_long_run_error": found.long_run.standard_error,
        "gamma_immediate": found.immediate,
        "gamma_immediate_error": found.immediate_error,
        "gamma_immediate_lag": found.at_once.lag,
        "gamma_share": found.share,
        "gamma_share_low": found.share_low,
        "gamma_share_high": found.share_high,
    }


def _contrasts(found: FamilyFit, cells: pd.DataFrame, states: pd.DataFrame) -> dict[str, Contrast]:
    """Return buys against sells, and realized states against those the law is fitted to."""
    cluster, day = states["cluster"].to_numpy(), None
    if found.solution.score.levelled:
        day = np.unique(states["date"].to_numpy(dtype=str), return_inverse=True)[1]
    return {
        "asymmetry": asymmetry(found, cells["side"].to_numpy()[found.index]),
        "volatility_slope": reliability(
            np.sqrt(states["realized_variance"].to_numpy()),
            states["volatility"].to_numpy(),
            cluster,
            day,
        ),
        "volume_slope": reliability(
            states["volume"].to_numpy(), states["volume_state"].to_numpy(), cluster, day
        ),
    }


def _contrast_facts(contrasts: dict[str, Contrast]) -> dict[str, object]:
    return {
        f"{name}{end}": value
        for name, one in contrasts.items()
        for end, value in (("", one.estimate), ("_error", one.standard_error))
    }


def _reference_facts(level: References) -> dict[str, object]:
    return {
        "price": level.price,
        "volatility": level.volatility,
        "depth_shares": level.depth,
        "volume_shares": level.volume,
    }


def _parameter_table(estimates: ExportedEstimates) -> pd.DataFrame:
    errors, reach = estimates.covariance.standard_errors, estimates.covariance.reach()
    frame = pd.DataFrame(
        {
            "name": estimates.names,
            "value": estimates.values,
            "standard_error": errors,
            "dof": estimates.covariance.dof,
            "low": estimates.values - reach,
            "high": estimates.values + reach,
            "bootstrap_error": estimates.bootstrap_errors,
        }
    )
    frame.loc[frame["name"] == "gamma", ["low", "high"]] = estimates.gamma_range
    fixed = errors == 0  # by the family, not estimated
    frame.loc[fixed, frame.columns[2:]] = np.nan
    profiles = pd.DataFrame(
        [(one.name, one.low, one.high) for one in estimates.ranges],
        columns=["name", "profile_low", "profile_high"],
    )
    return frame.merge(profiles, on="name", how="left").assign(
        unit=[_unit(name) for name in estimates.names],
        source=[_source(name) for name in estimates.names],
    )


def _unit(name: str) -> str:
    if name == "gamma":
        return "currency / share^2"
    return "log(currency / share^k)" if is_level((name,))[0] else "1"


def _source(name: str) -> str:
    if name == "gamma":
        return "models.impact.flow.bounded.bounded_impact"
    return "models.impact.book.cost_law.fit_law"


def _covariance_table(covariance: Covariance) -> pd.DataFrame:
    frame = pd.DataFrame(covariance.matrix, columns=list(covariance.names))
    return frame.assign(name=covariance.names)


def _family_table(comparison: Comparison, used: Family) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(score) for score in comparison.scores])
    return frame.assign(
        family=[score.family.value for score in comparison.scores],
        selected=[score.family is comparison.selected for score in comparison.scores],
        used=[score.family is used for score in comparison.scores],
    )


def _curve_table(cells: pd.DataFrame, found: CostLawFit) -> pd.DataFrame:
    columns = ("size", "half_spread", "bucket", "volatility", "thinness")
    size, half_spread, *state = (cells[name].to_numpy() for name in columns)
    fitted = found.cost(size, half_spread, *state) - half_spread * size
    frame = cells.assign(fitted=fitted, observed=cells["excess"])
    means = ["observed", "fitted", "censored", "half_spread"]
    return frame.groupby(["side", "size"], as_index=False)[means].mean()
