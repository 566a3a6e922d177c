"""Select: the law, the square-root law and the regressors side by side on held-out periods.

Between the laws what held-out days would have charged their plans decides, where it can be told.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit, Family, fit_law
from models.losses import gamma_deviance
from models.tca.regret import Costs, judge
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Calibration, Features, Forecast, Learned, Selection
from pipeline.stages.history import comparable_cells, held_out, law_cells
from pipeline.stages.selection.charged_plans import KNOWN, ChargedDay, charged_day

LAWS: dict[str, Family | None] = {"law": None, "square_root": Family.SPREAD_SQRT}  # None: as asked
CANDIDATES = (*LAWS, "spline", "histogram", "lightgbm", "hybrid")
PROOF = 2.0  # standard errors by which a challenger must be better
MOST_DAYS = 5  # the latest held-out ones that plans are charged on: each is a fit of every law
LEAST_DAYS = 2  # that a difference of regrets has an error from
HELD = "held"  # the criterion of a law that was not chosen but kept
SAME = 1e-6  # of a period's mean shares, by which plans that are the same may differ
CHARGED = {  # of `models.tca.regret.Judged`, as the table has them
    "name": "plan",
    "cost": "cost",
    "cost_error": "cost_error",
    "regret": "regret",
    "regret_error": "regret_error",
    "saving": "saving",
    "error": "saving_error",
    "lower": "saving_low",
    "upper": "saving_high",
    "clusters": "days",
}


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
    """Score every candidate's predicted cost on the same held-out cells by Gamma deviance, and what
    the days would have charged the laws' plans.

    The law asked for stands until a challenger's deviance is lower by more than two standard errors
    of the difference, paired by cluster, over at least two held-out days. The law to export is
    the one whose plans cost less on the latest held-out days, where the 95 % interval of the
    difference by day leaves out zero; else it is chosen by deviance between the parametric ones.
    """
    cells = comparable_cells(days, forecast, settings.scope)
    late = held_out(cells, settings.scope.holdout).to_numpy()
    early, held = cells[~late], cells[late].reset_index(drop=True)
    asked = Family(calibration.facts["family"].iloc[0])
    fits = {
        name: fit_law(
            law_cells(early, settings.scope.half_life), family or asked, settings.scope.buckets
        )
        for name, family in LAWS.items()
    }
    if fits["square_root"].family is not Family.SPREAD_SQRT:
        del fits["square_root"]  # the book shows no excess cost: it fell back to the linear law
    predicted = {name: _cost(held, fit) for name, fit in fits.items()}
    predicted |= {
        name: learned.predictions[name].to_numpy() for name in CANDIDATES if name not in LAWS
    }
    scores = _scores(held, predicted)
    families = {name: LAWS[name] or asked for name in fits}
    charged = _charged(days, forecast, families, list(held["date"]), settings.scope)
    return _decided(scores, *charged)


def _decided(scores: pd.DataFrame, charged: list[ChargedDay], unable: str) -> Selection:
    """Return the selection by regret where it tells the laws apart, else by deviance.

    unable: why plans were not charged.
    """
    table, better, reason = pd.DataFrame(columns=list(CHARGED.values())), "", unable
    if charged:
        table = _charged_table(charged)
        better, reason = _by_regret(table, charged)
    if better:
        chosen = scores["candidate"] == better
        of_laws = scores.loc[scores["winner"], "candidate"].isin(list(LAWS)).all()
        scores = scores.assign(exported=chosen, winner=chosen if of_laws else scores["winner"])
    criterion = "regret" if better else "deviance"
    return Selection(scores, table, pd.DataFrame([{"criterion": criterion, "reason": reason}]))


def _charged(
    days: tuple[Features, ...],
    forecast: Forecast,
    families: dict[str, Family],
    dates: list[str],
    scope: Scope,
) -> tuple[list[ChargedDay], str]:
    """Return the latest held-out days with what plans would have cost, or none and why."""
    known = sorted(set(dates) & set(forecast.shape["date"]))[-MOST_DAYS:]
    if len(families) < 2:
        return [], "the book shows no cost of size: there is one law"
    if len(known) < LEAST_DAYS:
        return [], f"fewer than {LEAST_DAYS} held-out days to charge plans on"
    try:
        return [charged_day(days, forecast, families, scope, date) for date in known], ""
    except ValueError as error:
        return [], f"plans could not be charged ({error})"


def _by_regret(table: pd.DataFrame, charged: list[ChargedDay]) -> tuple[str, str]:
    """Return the law whose plans cost less, empty where that cannot be told, and why."""
    rival = table.set_index("plan").loc["square_root"]
    over = f"on {len(charged)} held-out days"
    if all(_alike(*day.plans.values()) for day in charged):
        return "", f"the laws' plans are the same {over}"
    less = "less" if rival["saving"] > 0 else "more"
    told = (
        f"the square root's plans cost {abs(rival['saving']):.3g} bps {less} than the law's "
        f"{over}, 95 % interval of what they save [{rival['saving_low']:.3g}, "
        f"{rival['saving_high']:.3g}]"
    )
    if rival["saving_low"] > 0:
        return "square_root", told
    return ("law" if rival["saving_high"] < 0 else ""), told


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=0.0, atol=SAME * float(one.mean())))


def _charged_table(charged: list[ChargedDay]) -> pd.DataFrame:
    cost = {name: np.array([day.cost[name] for day in charged]) for name in charged[0].cost}
    found = pd.DataFrame([vars(one) for one in judge(Costs.by_day(cost), "law", KNOWN)])
    return found[list(CHARGED)].rename(columns=CHARGED)


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


def held(selection: Selection, law: str, reason: str) -> Selection:
    """Return the selection with one of LAWS exported whatever was found better, and why."""
    scores = selection.scores
    if (scores["candidate"] == law).any():
        scores = scores.assign(exported=scores["candidate"] == law)
    decision = pd.DataFrame([{"criterion": HELD, "reason": reason}])
    return Selection(scores, selection.charged, decision)


def decided_by(selection: Selection) -> str:
    """Return by what the law to export was chosen: "regret", "deviance" or `HELD`."""
    return str(selection.decision["criterion"].iloc[0])


def exported_law(selection: Selection) -> str:
    """Return which of LAWS the comparison exports."""
    return str(selection.scores.loc[selection.scores["exported"], "candidate"].iloc[0])
