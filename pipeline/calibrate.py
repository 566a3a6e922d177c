"""Calibrate: the cost law by the book route and permanent impact by the flow route, for one symbol."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from models.caveat import Caveat
from models.flow import FlowFit, fit_permanent
from models.impact import Family, LawFit, completed_excess, fit_law
from pipeline.history import MOST_CENSORED, law_cells, past_cells, past_periods, references
from pipeline.scope import Scope
from pipeline.tables import Calibration, Features, Forecast

UNSTABLE = 2.0  # standard errors between the exponents of shown and of all sizes


@dataclass(frozen=True)
class CalibrateSettings:
    """The scope of the run and the family asked for."""

    scope: Scope
    family: str


def run(days: tuple[Features, ...], forecast: Forecast, settings: CalibrateSettings) -> Calibration:
    """Fit g by walking the measured book and h by regressing mid changes on signed volume.

    Raises: ValueError from the estimators when there is nothing to fit.
    """
    scope = settings.scope
    periods = past_periods(days, scope)
    cells = past_cells(days, forecast, scope)
    known = cells["volatility"].notna() & cells["thinness"].notna()
    if not known.any():
        raise ValueError("no past period has a volatility and a volume forecast; the tape needs moves and trades")
    cells = cells[known]
    law = fit_law(law_cells(cells), Family(settings.family), scope.buckets)
    flow = fit_permanent(
        (periods["mid_close"] - periods["mid_open"]).to_numpy(), periods["flow"].to_numpy())
    level = references(periods, forecast.states)
    thinness = (level.volume / forecast.states["volume"]).dropna().to_numpy()
    parameters, covariance = _scaled(law, flow, thinness)
    facts = pd.DataFrame([{
        "family": law.family.value, "route": "book", "observations": law.n, "clusters": law.clusters,
        "excluded": law.n_excluded + int((~known).sum()), "deviance": law.deviance, "pseudo_r2": law.pseudo_r2,
        "censored_share": law.censored_share, "flow_r2": flow.r2, "flow_observations": flow.n,
        "flow_excluded": flow.n_excluded, "flow_lags": flow.lags,
        "price": level.price, "volatility": level.volatility, "depth_shares": level.depth,
        "volume_shares": level.volume}])
    warnings = [asdict(warning) for warning in (*law.warnings, *_extrapolation(cells, law, scope), *flow.warnings)]
    return Calibration(parameters, covariance, facts, _curve(cells, law),
                       pd.DataFrame(warnings, columns=["code", "message"]))


def _extrapolation(cells: pd.DataFrame, law: LawFit, scope: Scope) -> list[Caveat]:
    """Say up to which size the book showed its cost, and whether the exponent there is that of all sizes."""
    censored = cells.groupby("size")["censored"].mean()
    shown = censored.index[censored <= MOST_CENSORED]
    if len(shown) == len(censored):
        return []
    limit = f"{shown.max():,.0f} shares" if len(shown) else "no size of the grid"
    found = [Caveat("extrapolated", f"displayed depth held {limit} at least half of the time: costs of larger orders "
                                    "are extrapolated")]
    if law.family is Family.SPREAD_POWER and len(shown) > 2:
        part = fit_law(law_cells(cells[cells["size"].isin(shown)]), law.family, scope.buckets)
        apart = np.hypot(part.covariance.standard_errors[-3], law.covariance.standard_errors[-3])
        if part.family is law.family and abs(part.k - law.k) > UNSTABLE * apart:
            found.append(Caveat("k_unstable", f"k is {part.k:.3g} on the sizes that the book shows and {law.k:.3g} on "
                                              "all: its standard error leaves this out"))
    return found


def _scaled(law: LawFit, flow: FlowFit, thinness: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Move the mean of thinness^theta into alpha, so that L averages 1, and carry the errors along."""
    names, values = list(law.names), np.array(law.values, dtype=float)
    theta = values[names.index("theta")]
    level, log_thinness = thinness**theta, np.log(thinness)
    jacobian = np.eye(len(names))
    for row, name in enumerate(names):
        if name.startswith("log_alpha"):
            values[row] += np.log(level.mean())
            jacobian[row, names.index("theta")] += (level * log_thinness).mean() / level.mean()
    matrix = law.covariance.delta(jacobian)
    names.append("gamma")
    values = np.append(values, flow.gamma)
    full = np.zeros((len(names), len(names)))
    full[:-1, :-1], full[-1, -1] = matrix, flow.standard_error**2
    errors = np.sqrt(np.diag(full))
    errors[errors == 0] = np.nan  # fixed by the family, not estimated
    frame = pd.DataFrame({
        "name": names, "value": values, "standard_error": errors,
        "unit": ["currency / share^2" if name == "gamma" else "log(currency / share^k)"
                 if name.startswith("log_alpha") else "1" for name in names],
        "source": ["models.flow.fit_permanent" if name == "gamma" else "models.impact.fit_law"
                   for name in names]})
    return frame, pd.DataFrame(full, columns=names).assign(name=names)


def _curve(cells: pd.DataFrame, law: LawFit) -> pd.DataFrame:
    size, half_spread, *state = (cells[name].to_numpy() for name in (
        "size", "half_spread", "bucket", "volatility", "thinness"))
    fitted = law.cost(size, half_spread, *state) - half_spread * size
    frame = cells.assign(fitted=fitted, corrected=completed_excess(law_cells(cells), law.k), observed=cells["excess"])
    columns = ["observed", "corrected", "fitted", "censored", "half_spread"]
    return frame.groupby(["side", "size"], as_index=False)[columns].mean()
