"""A replay as a table and as JSON content: means over its phases, policies beside each other."""

from dataclasses import fields

import numpy as np

from models.tca.shortfall import Shortfall
from pipeline.engine.json_content import json_ready
from pipeline.replay.replay import MARKOUTS, Replayed
from pipeline.replay.study import ReplayResult
from pipeline.report.tables.digits import MISSING

PARTS = tuple(field.name for field in fields(Shortfall))


def _mean(runs: tuple[Replayed, ...]) -> dict[str, object]:
    """Return one policy's figures over its phases; bps of notional, shares, orders, moments."""

    def over(values: list[float]) -> float:
        known = [value for value in values if np.isfinite(value)]
        return float(np.mean(known)) if known else np.nan

    parts = [run.parts for run in runs]
    return {
        "walk_bps": over([each.over_mid for each in parts]),
        "shortfall_bps": over([each.total for each in parts]),
        "parts_bps": {name: over([getattr(each, name) for each in parts]) for name in PARTS},
        "markouts_bps": {
            str(seconds): over([run.markouts[seconds] for run in runs]) for seconds in MARKOUTS
        },
        "filled": over([float(run.fills.shares.sum()) for run in runs]),
        "filled_beyond_shown": over([run.beyond_shown for run in runs]),
        "orders": over([float(len(run.sent.shares)) for run in runs]),
        "missed_moments": over([float(run.missed) for run in runs]),
        "walk_bps_by_phase": [each.over_mid for each in parts],
    }


def content(result: ReplayResult) -> dict[str, object]:
    """Return the first policy's figures, and `beside` those of the others, as JSON content."""
    request = result.request
    first, *others = ({"policy": name} | _mean(runs) for name, runs in result.found.items())
    asked = {
        "symbol": request.symbol,
        "date": result.date,
        "side": request.order.side,
        "shares": request.order.shares,
        "moments": result.moments,
        "interval_seconds": request.interval,
        "latency_seconds": request.latency,
        "band": request.band,
        "phases": request.phases,
    }
    return json_ready(asked | first | {"beside": others})


def report_text(result: ReplayResult) -> str:
    """Return the policies as columns of one table."""
    request, found = result.request, {name: _mean(runs) for name, runs in result.found.items()}
    rows: list[tuple[str, str, list[float]]] = [
        (name, ".3f", [one[name] for one in found.values()])
        for name in ("walk_bps", "shortfall_bps")
    ]
    for group, keys, label in (
        ("parts_bps", PARTS, "  {}"),
        ("markouts_bps", tuple(map(str, MARKOUTS)), "markout {} s"),
    ):
        rows += [
            (label.format(key), ".3f", [one[group][key] for one in found.values()]) for key in keys
        ]
    rows += [
        (name, ",.10g", [round(one[name], 1) for one in found.values()])
        for name in ("filled", "filled_beyond_shown", "orders", "missed_moments")
    ]
    width = max(12, *(len(name) + 2 for name in found))
    lines = [
        f"{request.symbol} {result.date}: {request.order.side} {request.order.shares:,} shares, "
        f"{result.moments:,} moments every {request.interval:g} s, filled {request.latency:g} s "
        f"later, within {request.band:.0%} of an even pace; bps of notional",
        f"{'':<20}" + "".join(f"{name:>{width}}" for name in found),
    ]
    lines += [
        f"{label:<20}" + "".join(f"{_written(value, form):>{width}}" for value in values)
        for label, form, values in rows
    ]
    return "\n".join([*lines, NOTE])


def _written(value: float, form: str) -> str:
    return MISSING if np.isnan(value) else format(value, form)


NOTE = (
    "walk: spread and walk beyond it over the mid, without permanent impact; what was taken is\n"
    "missing until its price leaves the book. permanent: gamma S^2 / 2, the same for every policy."
)
