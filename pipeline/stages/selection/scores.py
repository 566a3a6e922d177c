"""How well candidates told the costs of held-out cells, and how far off they were by day."""

import numpy as np
import pandas as pd

from models.impact.book.walks import MOST_CENSORED, least_costs
from models.learners.conformal import LEVEL, cost_reach
from models.losses import gamma_deviance

PROOF = 2.0  # standard errors by which a challenger must be better


def candidate_scores(
    held: pd.DataFrame, predicted: dict[str, np.ndarray], laws: tuple[str, ...]
) -> pd.DataFrame:
    """Return every candidate's score on held-out cells, the law of lowest deviance exported.

    A cell whose depth ran out for more than a fifth of the time counts by what its trade cost at
    least, and nothing against who told more; one that cost nothing has no deviance.
    """
    known = _told(held)
    loss = pd.DataFrame({name: _losses(held, known, cost) for name, cost in predicted.items()})
    best, sure = loss.mean().idxmin(), held[known]
    rows = []
    for name in loss:
        miss = predicted[name][known] - sure["observed"]
        miss_bps = 1e4 * miss / (sure["size"] * sure["mid_open"])
        rows.append(
            {
                "candidate": name,
                "deviance": loss[name].mean(),
                "deviance_error": _error(loss[name] - loss[best], held["cluster"]),
                "rmse_bps": float(np.sqrt((miss_bps**2).mean())) if known.any() else np.nan,
                "bias": float(miss.sum() / sure["observed"].sum()) if known.any() else np.nan,
                "cells": int(loss[name].notna().sum()),
                "bounded": int((~known).sum()),
                "free": int(loss[name].isna().sum()),
            }
        )
    scores = pd.DataFrame(rows)
    several = held["date"].nunique() > 1  # one day proves nothing
    return scores.assign(exported=scores["candidate"] == _champion(loss, held, laws, several))


def cost_reaches(held: pd.DataFrame, predicted: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return how far costs lay from what was told, by candidate and size: candidate, size, reach
    (of |log|, NaN where it is not available), days, level.

    What is known from below only may lie anywhere: it counts as farther than all others.
    """
    some = held["observed"].to_numpy() > 0
    cost = np.where(_told(held), held["observed"], np.inf)[some]
    size, day = (held[name].to_numpy()[some] for name in ("size", "date"))
    label = np.unique(day.astype(str), return_inverse=True)[1]
    tables = []
    for name, told in predicted.items():
        found = cost_reach(cost, told[some], size, label)
        columns = {"size": found.size, "reach": np.where(found.reach < np.inf, found.reach, np.nan)}
        head = {"candidate": name, "days": found.days, "level": LEVEL}
        tables.append(pd.DataFrame(columns).assign(**head))
    return pd.concat(tables, ignore_index=True)


def _told(held: pd.DataFrame) -> np.ndarray:
    """Mark the cells whose depth held the trade for at least four fifths of the time."""
    return np.asarray(held["censored"] <= MOST_CENSORED)


def _losses(held: pd.DataFrame, known: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    columns = (held[name].to_numpy() for name in ("observed", "size", "half_spread"))
    walk = held.groupby(["date", "period", "side"]).ngroup().to_numpy()
    least = least_costs(*columns, walk, known)
    loss = gamma_deviance(least, predicted)
    return np.where(~known & (predicted >= least), 0.0, loss)


def _champion(loss: pd.DataFrame, held: pd.DataFrame, laws: tuple[str, ...], several: bool) -> str:
    champion = laws[0]
    for name in (name for name in laws[1:] if several and name in loss):
        gain = loss[champion] - loss[name]
        if gain.mean() > PROOF * _error(gain, held["cluster"]):
            champion = name
    return champion


def _error(difference: pd.Series, cluster: pd.Series) -> float:
    """Return the standard error of a mean over cells that are correlated within clusters."""
    sums = (difference - difference.mean()).groupby(cluster).sum()
    count = len(sums)
    if count == 1:
        return np.inf
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / difference.count())
