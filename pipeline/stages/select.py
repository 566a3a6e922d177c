"""Select: the law, the square-root law and the regressors side by side on held-out periods."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit, Family, fit_law
from models.losses import gamma_deviance
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Calibration, Features, Forecast, Learned, Selection
from pipeline.stages.history import comparable_cells, held_out, law_cells

LAWS: dict[str, Family | None] = {"law": None, "square_root": Family.SPREAD_SQRT}  # None: as asked
CANDIDATES = (*LAWS, "spline", "histogram", "lightgbm", "hybrid")
PROOF = 2.0  # standard errors by which a challenger must be better


@dataclass(frozen=True)
class SelectSettings:
    """The scope of the run."""

    scope: Scope


def select_law(
    days: tuple[Features, ...],
    forecast: Forecast,
    calibration: Calibration,
    learned: Learned,
    settings: SelectSettings,
) -> Selection:
    """Score every candidate's predicted cost on the same held-out cells by Gamma deviance.

    The law asked for stands until a challenger's deviance is lower by more than two standard errors
    of the difference, paired by cluster, over at least two held-out days; the law to export is
    chosen the same way between the parametric ones.
    """
    cells = comparable_cells(days, forecast, settings.scope)
    late = held_out(cells, settings.scope.holdout).to_numpy()
    early, held = cells[~late], cells[late].reset_index(drop=True)
    asked = Family(calibration.facts["family"].iloc[0])
    fits = {
        name: fit_law(law_cells(early), family or asked, settings.scope.buckets)
        for name, family in LAWS.items()
    }
    if fits["square_root"].family is not Family.SPREAD_SQRT:
        del fits["square_root"]  # the book shows no excess cost: it fell back to the linear law
    predicted = {name: _cost(held, fit) for name, fit in fits.items()}
    predicted |= {
        name: learned.predictions[name].to_numpy() for name in CANDIDATES if name not in LAWS
    }
    return Selection(_scores(held, predicted))


def _cost(held: pd.DataFrame, fit: CostLawFit) -> np.ndarray:
    columns = ("size", "expected_half_spread", "bucket", "volatility", "thinness")
    return fit.cost(*(held[name].to_numpy() for name in columns))


def _scores(held: pd.DataFrame, predicted: dict[str, np.ndarray]) -> pd.DataFrame:
    observed = held["observed"].to_numpy()
    loss = pd.DataFrame(
        {
            name: gamma_deviance(observed, predicted[name])
            for name in CANDIDATES
            if name in predicted
        }
    )
    best = loss.mean().idxmin()
    rows = []
    for name in loss:
        miss_bps = 1e4 * (predicted[name] - observed) / (held["size"] * held["mid_open"])
        rows.append(
            {
                "candidate": name,
                "deviance": loss[name].mean(),
                "deviance_error": _error(loss[name] - loss[best], held["cluster"]),
                "rmse_bps": float(np.sqrt((miss_bps**2).mean())),
                "bias": float(predicted[name].sum() / observed.sum() - 1),
                "cells": len(held),
            }
        )
    scores = pd.DataFrame(rows)
    several = held["date"].nunique() > 1  # one day proves nothing
    return scores.assign(
        winner=scores["candidate"] == _champion(loss, held["cluster"], CANDIDATES, several),
        exported=scores["candidate"] == _champion(loss, held["cluster"], tuple(LAWS), several),
    )


def _champion(loss: pd.DataFrame, cluster: pd.Series, names: tuple[str, ...], several: bool) -> str:
    champion = names[0]
    for name in (name for name in names[1:] if several and name in loss):
        gain = loss[champion] - loss[name]
        if gain.mean() > PROOF * _error(gain, cluster):
            champion = name
    return champion


def _error(difference: pd.Series, cluster: pd.Series) -> float:
    """Return the standard error of a mean over cells that are correlated within clusters."""
    sums = (difference - difference.mean()).groupby(cluster).sum()
    count = len(sums)
    if count == 1:
        return np.inf
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / len(difference))


def winner(selection: Selection) -> str:
    """Return which candidate the comparison favours, laws and regressors alike."""
    return str(selection.scores.loc[selection.scores["winner"], "candidate"].iloc[0])


def exported_law(selection: Selection) -> str:
    """Return which of LAWS the comparison exports."""
    return str(selection.scores.loc[selection.scores["exported"], "candidate"].iloc[0])
