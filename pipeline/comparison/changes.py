"""What changed from one parameter file to another: data, parameters, forecasts, plan, regret."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.parameters.schema import Params, SymbolParams
from pipeline.planning.order import stated_problem
from pipeline.planning.schedule import plan_order
from solver import evaluate

BPS = 1e4
TOLD, FAR = 2.0, 4.0  # standard errors of a difference
MATTERS = 0.01  # of the cost: a plan that costs so much more is another plan
SHARE = 0.01  # of the day's forecast volume: the order compared where none is asked for
HELD_OUT = ("regret_bps/", "deviance/held_out", "saving_bps/twap", "forecast/")


@dataclass(frozen=True)
class Side:
    """One of the two: what it is called, its parameters, and its run's metrics by symbol."""

    name: str
    params: Params
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One line: what, in which group, both values as text, the change, and what that means."""

    group: str
    what: str
    before: str
    after: str
    change: str
    meaning: str


@dataclass(frozen=True)
class SymbolChanges:
    """A symbol's lines, and in a sentence whether they matter."""

    symbol: str
    order: str
    lines: tuple[Change, ...]
    verdict: str


def compare(before: Side, after: Side, order: AllocateConfig | None) -> tuple[SymbolChanges, ...]:
    """Return what changed for every symbol of both; order: none for 1 % of the volume forecast.

    Raises: InputError when they have no symbol in common, or the order cannot be planned.
    """
    common = [name for name in before.params.symbols if name in after.params.symbols]
    if not common:
        raise InputError(
            f"{before.name} and {after.name} have no symbol in common: "
            f"{', '.join(before.params.symbols)} and {', '.join(after.params.symbols)}"
        )
    return tuple(_symbol(before, after, name, order) for name in common)


def _symbol(before: Side, after: Side, symbol: str, order: AllocateConfig | None) -> SymbolChanges:
    one, other = before.params.symbols[symbol], after.params.symbols[symbol]
    asked = order or AllocateConfig(
        shares=max(1, round(SHARE * sum(period.volume for period in other.periods)))
    )
    plans, verdict = _plans(before.params, after.params, symbol, asked)
    lines = (
        *_data(before.params, after.params, one, other),
        *_parameters(one, other),
        *_forecasts(one, other),
        *plans,
        *_held_out(before.metrics.get(symbol, {}), after.metrics.get(symbol, {})),
    )
    return SymbolChanges(symbol, f"{asked.side} {asked.shares:,} {symbol}", lines, verdict)


def _data(
    before: Params, after: Params, one: SymbolParams, other: SymbolParams
) -> tuple[Change, ...]:
    codes = [{each.code for each in side.warnings} for side in (one, other)]
    came, went = sorted(codes[1] - codes[0]), sorted(codes[0] - codes[1])
    said = "; ".join(
        f"{word} {', '.join(some)}" for word, some in (("new:", came), ("gone:", went)) if some
    )
    pairs = (
        ("session planned", before.valid.start, after.valid.start, "another session"),
        ("data", before.data_hash[:12], after.data_hash[:12], "fitted on other data"),
        ("code", before.code_version, after.code_version, "made by other code"),
    )
    lines = [
        Change("data", what, a, b, "same" if a == b else "changed", "" if a == b else meaning)
        for what, a, b, meaning in pairs
    ]
    counts = [f"{len(each)}" for each in codes]
    return (*lines, Change("data", "warnings", *counts, said or "the same", ""))


def _parameters(one: SymbolParams, other: SymbolParams) -> tuple[Change, ...]:
    if one.law.family != other.law.family:
        family = Change(
            "parameters",
            "family of the law",
            one.law.family,
            other.law.family,
            "changed",
            "the exponent and the levels are those of another law",
        )
    else:
        family = Change(
            "parameters", "family of the law", one.law.family, other.law.family, "same", ""
        )
    return (family, *(_parameter(name, one, other) for name in ("k", "beta", "theta", "gamma")))


def _parameter(name: str, one: SymbolParams, other: SymbolParams) -> Change:
    values = [float(getattr(side.law, name)) for side in (one, other)]
    errors = [side.standard_errors.get(name) for side in (one, other)]
    texts = [
        f"{value:.4g}" + (" fixed" if error is None else f" ± {error:.2g}")
        for value, error in zip(values, errors, strict=True)
    ]
    moved = values[1] - values[0]
    both = math.hypot(*(error or 0.0 for error in errors))
    if not both:
        told = "same" if not moved else f"{moved:+.3g}"
        return Change("parameters", name, *texts, told, "fixed, not estimated")
    in_errors = moved / both
    return Change("parameters", name, *texts, f"{in_errors:+.1f} s.e.", _meaning(in_errors))


def _meaning(in_errors: float) -> str:
    """Return what a change in standard errors means."""
    if abs(in_errors) < TOLD:
        return "within the error: no change is told"
    return "moved" if abs(in_errors) < FAR else "moved far beyond the error"


def _forecasts(one: SymbolParams, other: SymbolParams) -> tuple[Change, ...]:
    def mean(side: SymbolParams, name: str) -> float:
        scale = BPS / side.reference.price if name in ("sigma", "spread") else 1.0
        return scale * float(np.mean([getattr(period, name) for period in side.periods]))

    names = {
        "volume": "volume a period, shares",
        "sigma": "volatility a period, bps",
        "spread": "half spread of the law, bps",
        "liquidity": "illiquidity, mean 1 over the history",
    }
    lines = []
    for name, words in names.items():
        a, b = mean(one, name), mean(other, name)
        if not a:
            continue
        meaning = ""
        if name == "volume" and one.volume_total:
            per = one.volume_total.expected / a
            low, high = (end / per for end in one.volume_total.interval)
            inside = low <= b <= high
            meaning = f"{'inside' if inside else 'outside'} the earlier 90 % interval"
        lines.append(
            Change("forecasts", words, f"{a:,.4g}", f"{b:,.4g}", f"{b / a - 1:+.1%}", meaning)
        )
    return tuple(lines)


def _plans(
    before: Params, after: Params, symbol: str, order: AllocateConfig
) -> tuple[tuple[Change, ...], str]:
    """Return how the same order is planned and costed by both, and whether that differs."""
    schedules = [plan_order(params, symbol, order) for params in (before, after)]
    costs = [schedule.costs.set_index("method").loc["optimal"] for schedule in schedules]
    bps, errors = zip(*(_in_bps(cost) for cost in costs), strict=True)
    both = math.hypot(*np.nan_to_num(errors))
    in_errors = (bps[1] - bps[0]) / both if both else math.nan
    meaning = _meaning(in_errors) if both else "no error known"
    texts = [f"{value:.3f} ± {error:.2g}" for value, error in zip(bps, errors, strict=True)]
    cost = Change("plan", "expected cost, bps", *texts, f"{bps[1] - bps[0]:+.3f} bps", meaning)
    over = [BPS * (one["spread"] + one["temporary"]) / _notional(one) for one in costs]
    walk = Change(
        "plan",
        "of it over mid, bps",
        *(f"{value:.3f}" for value in over),
        f"{over[1] - over[0]:+.3f} bps",
        "spread and walk of the book; the rest is own permanent impact and drift",
    )
    periods = [schedule.plan["period"].tolist() for schedule in schedules]
    if periods[0] != periods[1]:
        return (cost, walk), (
            f"The two plan different periods; of the cost told: {meaning or 'the same'}."
        )
    x = [schedule.plan["optimal"].to_numpy(dtype=float) for schedule in schedules]
    moved = float(np.abs(x[1] - x[0]).sum() / 2 / order.shares)
    problem = stated_problem(after, symbol, order)
    kept, own = (evaluate(problem, plan).objective for plan in x)
    regret = BPS * (kept - own) / (problem.price * problem.shares)
    share = (kept - own) / own if own else 0.0
    lines = (
        cost,
        walk,
        Change("plan", "shares moved in time", "", "", f"{moved:.1%}", "of the order"),
        Change(
            "regret",
            "keeping the earlier plan, bps",
            "",
            "",
            f"{regret:+.4f} bps",
            f"{share:.2%} of the cost, by the later parameters",
        ),
    )
    return lines, _verdict(share, regret, in_errors, errors[1])


def _notional(cost: Mapping[str, float]) -> float:
    return BPS * cost["cost"] / cost["cost_bps"] if cost["cost_bps"] else math.nan


def _in_bps(cost: Mapping[str, float]) -> tuple[float, float]:
    unit = cost["cost_bps"] / cost["cost"] if cost["cost"] else math.nan
    return float(cost["cost_bps"]), float(unit * cost["cost_error"])


def _verdict(share: float, regret: float, in_errors: float, error: float) -> str:
    """Say whether the plan and the cost told have changed in a way that matters."""
    if share >= MATTERS:
        plan = f"The plan matters: the earlier one would cost {regret:.3f} bps ({share:.1%}) more."
    else:
        plan = (
            f"The plan does not matter: the earlier one would cost {max(regret, 0.0):.4f} bps "
            f"more, {max(share, 0.0):.2%} of the cost."
        )
    if math.isnan(in_errors):
        return f"{plan} Whether the cost told moved is not known: it has no error."
    if abs(in_errors) < TOLD:
        return f"{plan} The cost told has not moved beyond its error ({in_errors:+.1f} s.e.)."
    way = "dearer" if in_errors > 0 else "cheaper"
    return (
        f"{plan} The order has become {way} by {abs(in_errors):.1f} standard errors of the "
        f"difference (± {error:.2g} bps now): budget for the later figure."
    )


def _held_out(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[Change, ...]:
    """Return what held-out data said of both, where both runs are tracked."""
    names = [name for name in one if name in other and name.startswith(HELD_OUT)]
    lines = []
    for name in names:
        error = math.hypot(one.get(f"{name}_error", 0.0), other.get(f"{name}_error", 0.0))
        moved = other[name] - one[name]
        meaning = _meaning(moved / error) if error else ""
        texts = (f"{one[name]:.4g}", f"{other[name]:.4g}", f"{moved:+.3g}")
        if not name.endswith("_error"):
            lines.append(Change("held out", name, *texts, meaning))
    return tuple(lines)
