"""Select: the parametric law, the square-root law and the regressors side by side on held-out periods."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.impact import Family, fit_law
from pipeline.history import comparable_cells, held_out, law_cells
from pipeline.scope import Scope
from pipeline.tables import Calibration, Features, Forecast, Learned, Selection

PARAMETRIC = ("law", "square_root")
CANDIDATES = (*PARAMETRIC, "gamma_regression", "lightgbm")
PROOF = 2.0  # standard errors by which a challenger must be better


@dataclass(frozen=True)
class SelectSettings:
    """The scope of the run."""

    scope: Scope


def run(
    days: tuple[Features, ...], forecast: Forecast, calibration: Calibration, learned: Learned,
    settings: SelectSettings,
) -> Selection:
    """Score every candidate's predicted cost on the same held-out cells by Gamma deviance.

    The law asked for stands until a challenger's deviance is lower by more than two standard errors of the
    difference, paired by cluster; the law to export is chosen the same way between the parametric ones.
    """
    cells = comparable_cells(days, forecast, settings.scope)
    late = held_out(cells, settings.scope.holdout).to_numpy()
    early, held = cells[~late], cells[late].reset_index(drop=True)
    families = {"law": calibration.facts["family"].iloc[0], "square_root": Family.SPREAD_SQRT.value}
    predicted = {name: _law_cost(early, held, family, settings.scope.buckets) for name, family in families.items()}
    predicted |= {name: learned.predictions[name].to_numpy() for name in CANDIDATES if name not in PARAMETRIC}
    return Selection(_scores(held, predicted))


def _law_cost(early: pd.DataFrame, held: pd.DataFrame, family: str, buckets: int) -> np.ndarray:
    law = fit_law(law_cells(early), Family(family), buckets)
    excess = law.predict(*(held[name].to_numpy() for name in ("size", "bucket", "volatility", "thinness")))
    spread = 0.0 if law.family is Family.LINEAR else held["expected_half_spread"].to_numpy()
    return excess + spread * held["size"].to_numpy()


def _scores(held: pd.DataFrame, predicted: dict[str, np.ndarray]) -> pd.DataFrame:
    observed = held["observed"].to_numpy()
    loss = pd.DataFrame({name: _deviance(observed, predicted[name]) for name in CANDIDATES})
    best = loss.mean().idxmin()
    rows = []
    for name in CANDIDATES:
        miss_bps = 1e4 * (predicted[name] - observed) / (held["size"] * held["mid_open"])
        rows.append({
            "candidate": name, "deviance": loss[name].mean(),
            "deviance_error": _error(loss[name] - loss[best], held["cluster"]),
            "rmse_bps": float(np.sqrt((miss_bps**2).mean())),
            "bias": float(predicted[name].sum() / observed.sum() - 1), "cells": len(held)})
    scores = pd.DataFrame(rows)
    return scores.assign(winner=scores["candidate"] == _champion(loss, held["cluster"], CANDIDATES),
                         exported=scores["candidate"] == _champion(loss, held["cluster"], PARAMETRIC))


def _champion(loss: pd.DataFrame, cluster: pd.Series, names: tuple[str, ...]) -> str:
    champion = names[0]
    for name in names[1:]:
        gain = loss[champion] - loss[name]
        if gain.mean() > PROOF * _error(gain, cluster):
            champion = name
    return champion


def _error(difference: pd.Series, cluster: pd.Series) -> float:
    """Return the standard error of a mean over cells whose errors are correlated within clusters."""
    sums = (difference - difference.mean()).groupby(cluster).sum()
    count = len(sums)
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / len(difference)) if count > 1 else np.inf


def _deviance(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return each cell's Gamma deviance; its mean is scikit-learn's mean_gamma_deviance."""
    ratio = observed / predicted
    return 2 * (ratio - 1 - np.log(ratio))
