"""What is judged: laws, plans and policies by name, all of one order at the same moments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.impact.book.families import Family
from pipeline.engine.config import AllocateConfig
from pipeline.engine.sessions import SECOND_NS
from pipeline.parameters.schema import Params
from pipeline.replay.books import Stage
from pipeline.replay.policies import Planned, policy_of, take_or_wait
from solver.execution import Band, Blind, Learning, Policy

LAWS: Mapping[str, Family | None] = {  # None: the family asked for, or selected
    "law": None,
    "square_root": Family.SPREAD_SQRT,
    "linear": Family.LINEAR,
}
LEARNED = ("spline", "histogram", "lightgbm", "hybrid")  # curves beside the law, by regressor
TAUGHT = frozenset((*LEARNED, "foreseen"))  # candidates that need what learners found
YARDSTICK, KNOWN, NESTED = "twap", "clairvoyant", "threshold"
QUANTILES = (5, 10, 20, 30)  # per cent, of which past days choose the threshold's
FIRST_QUANTILE = 10  # where there is no past day
HALF_HOUR_NS, SEED = 1800 * SECOND_NS, 0  # of the controls


@dataclass(frozen=True)
class Candidate:
    """A policy of `impact replay`, the law whose parameters it works with, and what it is.

    point: whether its plan is the optimum of the parameters as they are.
    """

    policy: str
    words: str
    law: str = "law"
    point: bool = False


CANDIDATES: Mapping[str, Candidate] = {
    "twap": Candidate("twap", "evenly by time"),
    "waiting-twap": Candidate("waiting-twap", "evenly by minute, inside it at a tight spread"),
    "pov": Candidate("pov", "in proportion to the volume as it comes"),
    "vwap": Candidate("vwap", "by the volume forecast"),
    **{
        f"threshold:{each}": Candidate(f"threshold:{each}", f"spread in its lowest {each} %")
        for each in QUANTILES
    },
    "ac": Candidate("ac", "Almgren and Chriss with the day's mean parameters"),
    "linear": Candidate("static", "the plan of a linear law", law="linear", point=True),
    "square_root": Candidate("static", "the plan of the square root", "square_root", True),
    "point": Candidate("static", "the plan of the law as it was fitted", point=True),
    **{
        name: Candidate("static", f"the plan of the curve that {name} learned", name, True)
        for name in LEARNED
    },
    "static": Candidate("static", "the plan that is exported"),
    "adaptive": Candidate("adaptive", "the plan made anew from the last minute"),
    "rule": Candidate("rule", "up to the price that supplies what is left"),
    "empirical": Candidate("empirical", "value of waiting, books like the last hour's"),
    "moment": Candidate("moment", "value of waiting, books that follow the forecast"),
    "foreseen": Candidate("foreseen", "value of waiting, books to come told by the hour's states"),
}
CONTROLS: Mapping[str, Candidate] = {  # they must save nothing: judged where they are asked for
    "shuffled": Candidate(
        "static", "the point plan, its periods' states exchanged", "shuffled", True
    ),
    "blind": Candidate("blind", "`moment` on another book of its half hour, without a limit"),
}
NAMED = {**CANDIDATES, **CONTROLS}
WORDS = {
    NESTED: "spread threshold, its quantile chosen on the days before",
    KNOWN: "who knew every book (a reference)",
}


@dataclass(frozen=True)
class Further:
    """Candidates beside those that have a name here, and the parameters that they ask for.

    params: from the parameters of a held-out day by law, to those of further laws by name.
    """

    candidates: Mapping[str, Candidate]
    params: Callable[[Mapping[str, Params]], Mapping[str, Params]]


def policies(
    candidates: Mapping[str, Candidate],
    params: Mapping[str, Params],
    symbol: str,
    order: AllocateConfig,
    stage: Stage,
    band: Band,
) -> dict[str, Policy | Learning]:
    """Return the candidates' policies for an order's moments.

    Raises: InputError for an order that cannot be planned.
    """
    planned: dict[tuple[str, bool], Planned] = {}
    found = {}
    for name, candidate in candidates.items():
        how = candidate.law, candidate.point
        if how not in planned:
            plan = {"plan": "point"} if candidate.point else {}
            planned[how] = Planned(params[candidate.law], symbol, order.model_copy(update=plan))
        if candidate.policy == "empirical":
            found[name] = take_or_wait(stage, planned[how], band)
        elif candidate.policy == "blind":
            inner = policy_of("moment", stage, planned[how], band)
            found[name] = Blind(inner, round(HALF_HOUR_NS / stage.clock.interval), SEED)
        else:
            found[name] = policy_of(candidate.policy, stage, planned[how], band)
    return found
