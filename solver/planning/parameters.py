"""From the parameter file to a problem: what `json.load` gives of `params.json`, and an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from solver.planning.curves import curve_of, tabulated
from solver.planning.order_terms import PLANS, OrderTerms
from solver.planning.section import periods_within, symbol_section
from solver.planning.shape import Shape
from solver.planning.tilt import Tilt, as_far_as_paid, as_it_is
from solver.planning.uncertainty import Uncertainty
from solver.problem.impact_law import ImpactLaw
from solver.problem.knotted_law import KnottedLaw
from solver.problem.laws import Floats, ProblemError, as_choice, as_vector
from solver.problem.problem import Problem
from solver.problem.slicing import Slicing

LAW_NAMES = ("k", "beta", "theta", "gamma")
LEAST_GAMMA = 1e-100  # currency / share^2: errors relative to less would overflow
_Order = tuple[Mapping[str, Any], list[int], float, OrderTerms]  # section, periods, shares, terms


def from_params(
    params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms | None = None
) -> Problem:
    """The problem of trading `shares` of `symbol` under a parameter file.

    params: the content of `params.json`, as `json.load` gives it. The law is that of m children a
    period, m the fewest within 5 % of the least cost at the upper end of the refill's half-life,
    one where the refill is not identified. A law that is linear for want of depth on tape is kept
    within displayed depth wherever that can hold the order. Its states are those of `tilt_of`.
    Where the file has a learned curve the problem's law is its table, in the order's lots.

    Raises:
        ProblemError: another schema, a symbol that is not there, a window without periods, shares
            that are no whole lots or more than the caps hold.
    """
    tilt = tilt_of(params, symbol, shares, terms)
    curve = learned_curve(params, symbol, shares, terms or OrderTerms(), tilt)
    return tilt.problem if curve is None else tabulated(tilt.problem, curve)


def learned_curve(
    params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms, tilt: Tilt
) -> KnottedLaw | None:
    """The learned curve of the order's periods, at the tilt's states; None where the law stands."""
    section = symbol_section(params, symbol)
    chosen = periods_within(params, symbol, terms)
    return curve_of(section, chosen, tilt, child_orders(params, symbol, shares, terms))


def tilt_of(
    params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms | None = None
) -> Tilt:
    """The problem under the law, with how far its states are believed and why.

    Raises:
        ProblemError: as `from_params`; a plan that is none.
    """
    asked = terms or OrderTerms()
    as_choice("plan", asked.plan, PLANS)
    section = symbol_section(params, symbol)
    chosen = periods_within(params, symbol, asked)
    shape, point = Shape.from_section(section), ImpactLaw.from_section(section)
    sigma = np.array([period["sigma"] for period in section["periods"]], dtype=np.float64)
    factor = _slice_factor(params, symbol, shares, asked)
    order = (section, chosen, shares, asked)
    as_told = asked.plan == "point"

    def stated(share: float) -> tuple[Problem, ImpactLaw]:
        whole = as_told and share == 1.0
        law = (point if whole else shape.law(point, share)).at(chosen)
        risk = sigma if whole else shape.sigma(sigma, share)
        return _problem(order, law, risk[chosen], factor), law

    return (as_it_is if as_told else as_far_as_paid)(shape, point.at(chosen), stated)


def _problem(order: _Order, law: ImpactLaw, sigma: Floats, factor: float) -> Problem:
    """The order's problem under a law of one child a period; factor: what its children make it."""
    section, chosen, shares, asked = order
    volume = np.array([section["periods"][place]["volume"] for place in chosen], dtype=np.float64)
    cap = _cap(section, shares, volume, asked)
    drift = as_vector("drift", asked.drift)
    return Problem(
        shares=shares,
        law=replace(law, alpha=np.asarray(law.alpha) * factor).temporary,
        permanent=law.gamma,
        drift=drift if drift.ndim == 0 else _of_periods("drift", drift, section)[chosen],
        sigma=sigma,
        risk_aversion=asked.risk_aversion,
        price=section["reference"]["price"],
        side=asked.side,
        cap=np.minimum(cap, shares),
        floor=_floor(shares, volume, asked) if asked.min_participation else None,
        lot=asked.lot,
        own_impact=asked.own_impact,
    )


def chosen_law(
    params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms
) -> ImpactLaw:
    """The law of the periods that an order may trade in, at the states forecast for each.

    alpha: that of its children.
    """
    section = symbol_section(params, symbol)
    law = ImpactLaw.from_section(section).at(periods_within(params, symbol, terms))
    factor = _slice_factor(params, symbol, shares, terms)
    return replace(law, alpha=np.asarray(law.alpha) * factor)


def _slice_factor(
    params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms
) -> float:
    """What working a period's shares in children makes of its temporary impact."""
    section = symbol_section(params, symbol)
    slicing = Slicing.from_section(section, params["calendar"]["period_seconds"])
    children = child_orders(params, symbol, shares, terms)
    return float(slicing.factor(children, float(section["law"]["k"])))


def child_orders(params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms) -> int:
    """How many children a period's shares are worked in."""
    section = symbol_section(params, symbol)
    slicing = Slicing.from_section(section, params["calendar"]["period_seconds"])
    if terms.slices is not None:
        return terms.slices
    mean = shares / len(periods_within(params, symbol, terms))
    return fewest_children(section, slicing, mean)


def fewest_children(section: Mapping[str, Any], slicing: Slicing, mean: float) -> int:
    """How many children the mean shares of a period are worked in where nobody says."""
    if not section["law"]["family"].startswith("spread"):
        return 1  # slicing saves nothing on the spread, which is in the power law there
    return slicing.fewest(mean, float(section["law"]["k"]))


def uncertainty_of(params: Mapping[str, Any], symbol: str) -> Uncertainty:
    """The file's covariance as errors common to all periods, for intervals and robust plans.

    The scale's error is that of its mean log over the file's periods; gamma's is relative. What is
    fixed has no error, a gamma of 0 none that could be told relative to it.

    Raises: ProblemError: names that are missing, a matrix that is no covariance.

    Source: the delta method, e.g. van der Vaart (1998), "Asymptotic Statistics", theorem 3.1.
    """
    section = symbol_section(params, symbol)
    names = list(section["covariance"]["names"])
    matrix = np.array(section["covariance"]["matrix"], dtype=np.float64)
    law, count = section["law"], params["calendar"]["periods"]
    levels = [name for name in names if name.startswith("log_alpha_")]
    needed = {*(f"log_alpha_{level}" for level in range(len(levels) or 1)), *LAW_NAMES}
    if missing := sorted(needed - set(names)):
        raise ProblemError(f"covariance must have {missing[0]} among its names, found {names}")
    slopes = np.zeros((3, len(names)))
    for period in section["periods"]:
        slopes[0, names.index(f"log_alpha_{period['i'] * len(levels) // count}")] += 1.0
        slopes[0, names.index("beta")] += period["volatility"] / (
            1.0 + law["beta"] * period["volatility"]
        )
        slopes[0, names.index("theta")] += np.log(
            section["reference"]["volume_shares"] / period["volume"]
        )
    slopes[0] /= len(section["periods"])
    slopes[1, names.index("k")] = 1.0
    told = abs(law["gamma"]) > LEAST_GAMMA
    slopes[2, names.index("gamma")] = 1.0 / law["gamma"] if told else 0.0
    return Uncertainty(("scale", "exponent", "permanent"), slopes @ matrix @ slopes.T)


def whole_caps(shares: float, volume: Floats, terms: OrderTerms) -> Floats:
    """The most shares of each period by its forecast volume, in whole lots.

    Raises: ProblemError: they do not hold the order.
    """
    cap = _whole_lots(terms.max_participation * volume, terms.lot)
    if shares > cap.sum():
        raise ProblemError(
            f"shares {shares:.0f}: more than any plan can hold; {cap.sum():.0f} fit into "
            f"{100 * terms.max_participation:.3g}% of the forecast volume of {len(cap)} periods, "
            f"of which the order is {100 * shares / volume.sum():.3g}%; "
            "lower --shares or raise --max-participation"
        )
    return cap


def _cap(section: Mapping[str, Any], shares: float, volume: Floats, terms: OrderTerms) -> Floats:
    """The most shares of each period, in whole lots."""
    cap = whole_caps(shares, volume, terms)
    if section["law"]["family"] == "linear":
        depth = section["reference"]["depth_shares"]
        shown = np.minimum(cap, np.floor(depth / terms.lot) * terms.lot)
        return shown if shown.sum() >= shares else cap
    return cap


def _whole_lots(cap: Floats, lot: float) -> Floats:
    """Caps in whole lots; of periods that hold less than one, the periods in which their sum does.

    So a thin symbol's total keeps its share, and no sum of caps is more than that share.
    """
    small = cap < lot
    held = np.floor(np.cumsum(np.where(small, cap, 0.0)) / lot)
    return np.asarray(np.where(small, np.diff(held, prepend=0.0), np.floor(cap / lot)) * lot)


def _floor(shares: float, volume: Floats, terms: OrderTerms) -> Floats:
    """The least shares of each period, in whole lots."""
    floor = np.ceil(terms.min_participation * volume / terms.lot) * terms.lot
    if floor.sum() > shares:
        raise ProblemError(
            f"shares {shares:.0f}: fewer than {100 * terms.min_participation:.3g}% of the forecast "
            f"volume in {len(floor)} periods, {floor.sum():.0f}; lower --min-participation"
        )
    return np.asarray(floor)


def _of_periods(name: str, values: Floats, section: Mapping[str, Any]) -> Floats:
    count = len(section["periods"])
    if values.shape != (count,):
        raise ProblemError(
            f"{name} must be a number or one a period of the file, {count}, found {values.size}"
        )
    return values
