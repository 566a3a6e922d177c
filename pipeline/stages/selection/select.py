"""Select: the law, the square-root law and the regressors side by side on held-out periods.

What held-out days would have charged their plans decides, between laws where that can be told.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit, Family, fit_law
from models.tca.regret import Costs, holm, judge
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Calibration, Features, Forecast, Learned, Selection
from pipeline.stages.history import comparable_cells, held_out, law_cells
from pipeline.stages.selection.charged_plans import KNOWN, ChargedDay, Rivals, charged_day
from pipeline.stages.selection.scores import candidate_scores, cost_reaches

LAWS: dict[str, Family | None] = {"law": None, "square_root": Family.SPREAD_SQRT}  # None: as asked
LEARNED = ("spline", "histogram", "lightgbm", "hybrid")
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
    the days would have charged their plans.

    Between laws: the one whose plans cost less on the latest held-out days, where the 95 % interval
    of the difference by day leaves out zero; else the law asked for, until the other's deviance is
    lower by more than two standard errors of the difference, paired by cluster, over at least two
    held-out days. A learned curve wins by its plans alone: when they cost less than the exported
    law's, the interval held to all learned ones at once (Holm).
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
    predicted |= {name: learned.predictions[name].to_numpy() for name in LEARNED}
    families = {name: LAWS[name] or asked for name in fits}
    rivals = Rivals(families, learned.held_curves, "law")
    charged = _charged(days, forecast, rivals, list(held["date"]), settings.scope)
    scores = candidate_scores(held, predicted, tuple(LAWS))
    return _decided(scores, cost_reaches(held, predicted), *charged)


def _decided(
    scores: pd.DataFrame, reaches: pd.DataFrame, charged: list[ChargedDay], unable: str
) -> Selection:
    """Return the selection by regret where it tells candidates apart, else by deviance.

    unable: why plans were not charged.
    """
    table, better, reason, learned = pd.DataFrame(columns=list(CHARGED.values())), "", unable, ""
    if charged:
        table = _charged_table(charged)
        better, reason = _by_regret(table, charged)
    if better:
        scores = scores.assign(exported=scores["candidate"] == better)
    law = str(scores.loc[scores["exported"], "candidate"].iloc[0])
    told = f"plans of learned curves were not charged: {unable}"
    if charged:
        learned, told = _learned_by_regret(charged, law)
    scores = scores.assign(winner=scores["candidate"] == (learned or law))
    decision = {
        "criterion": "regret" if better else "deviance",
        "reason": reason,
        "learned": told,
    }
    return Selection(scores, reaches, table, pd.DataFrame([decision]))


def _charged(
    days: tuple[Features, ...],
    forecast: Forecast,
    rivals: Rivals,
    dates: list[str],
    scope: Scope,
) -> tuple[list[ChargedDay], str]:
    """Return the latest held-out days with what plans would have cost, or none and why."""
    known = sorted(set(dates) & set(forecast.shape["date"]))[-MOST_DAYS:]
    if len(rivals.families) < 2:
        return [], "the book shows no cost of size: there is one law"
    if len(known) < LEAST_DAYS:
        return [], f"fewer than {LEAST_DAYS} held-out days to charge plans on"
    try:
        return [charged_day(days, forecast, rivals, scope, date) for date in known], ""
    except ValueError as error:
        return [], f"plans could not be charged ({error})"


def _by_regret(table: pd.DataFrame, charged: list[ChargedDay]) -> tuple[str, str]:
    """Return the law whose plans cost less, empty where that cannot be told, and why."""
    rival = table.set_index("plan").loc["square_root"]
    over = f"on {len(charged)} held-out days"
    if all(_alike(day.plans["law"], day.plans["square_root"]) for day in charged):
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


def _learned_by_regret(charged: list[ChargedDay], law: str) -> tuple[str, str]:
    """Return the learned curve whose plans cost less than the law's, empty without, and why."""
    over = f"on {len(charged)} held-out days"
    names = [name for name in LEARNED if all(name in day.plans for day in charged)]
    if not names:
        return "", f"no learned curve stands beside the law {over}"
    found = judge(_costs(charged, [law, *names, KNOWN]), law, KNOWN)
    rivals = [one for one in found if one.name in names]
    sure = holm([one.p for one in rivals])
    known = [one for one, p in zip(rivals, sure, strict=True) if one.verdict(p) == "saves"]
    best = max(known or rivals, key=lambda one: one.saving)
    less = "less" if best.saving > 0 else "more"
    told = (
        f"the best of {len(names)}, {best.name}'s, has plans that cost {abs(best.saving):.3g} bps "
        f"{less} than the law's {over}, 95 % interval of what they save [{best.lower:.3g}, "
        f"{best.upper:.3g}]" + ("" if known else ": none is told to save")
    )
    return (best.name if known else ""), told


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=0.0, atol=SAME * float(one.mean())))


def _costs(charged: list[ChargedDay], names: list[str]) -> Costs:
    return Costs.by_day({name: np.array([day.cost[name] for day in charged]) for name in names})


def _charged_table(charged: list[ChargedDay]) -> pd.DataFrame:
    names = [name for name in charged[0].cost if all(name in day.cost for day in charged)]
    found = pd.DataFrame([vars(one) for one in judge(_costs(charged, names), "law", KNOWN)])
    return found[list(CHARGED)].rename(columns=CHARGED)


def _cost(held: pd.DataFrame, fit: CostLawFit) -> np.ndarray:
    columns = ("size", "expected_half_spread", "bucket", "volatility", "thinness")
    return fit.cost(*(held[name].to_numpy() for name in columns))


def winner(selection: Selection) -> str:
    """Return whose plans the comparison favours, laws and learned curves alike."""
    return str(selection.scores.loc[selection.scores["winner"], "candidate"].iloc[0])


def held(selection: Selection, law: str, reason: str) -> Selection:
    """Return the selection with one of LAWS exported whatever was found better, and why."""
    scores = selection.scores
    if (scores["candidate"] == law).any():
        scores = scores.assign(exported=scores["candidate"] == law)
    decision = selection.decision.assign(criterion=HELD, reason=reason)
    return replace(selection, scores=scores, decision=decision)


def decided_by(selection: Selection) -> str:
    """Return by what the law to export was chosen: "regret", "deviance" or `HELD`."""
    return str(selection.decision["criterion"].iloc[0])


def exported_law(selection: Selection) -> str:
    """Return which of LAWS the comparison exports."""
    return str(selection.scores.loc[selection.scores["exported"], "candidate"].iloc[0])
