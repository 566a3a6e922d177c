"""A replay as a table and as JSON content: means over its phases, policies beside each other."""

from dataclasses import fields

import numpy as np

from models.tca.adverse import Shifts
from models.tca.shortfall import Shortfall
from pipeline.engine.json_content import json_ready
from pipeline.parameters.sections import MidMoveSection
from pipeline.replay.evidence import LARGE, Evidence
from pipeline.replay.loop import MARKOUTS, Deciding, Replayed
from pipeline.replay.study import ReplayResult
from pipeline.report.tables.digits import MISSING

PARTS = tuple(field.name for field in fields(Shortfall))


def figures(runs: list[Replayed], slope: float) -> dict[str, object]:
    """Return one policy's figures over its phases; bps of notional, shares, orders, moments.

    slope: of the mid's expected move on the book's pressure, NaN where it is not known.
    """

    def over(values: list[float]) -> float:
        known = [value for value in values if np.isfinite(value)]
        return float(np.mean(known)) if known else np.nan

    parts = [run.parts for run in runs]
    return {
        "walk_bps": over([each.over_mid for each in parts]),
        "walk_over_predicted_mid_bps": over(
            [run.parts.over_mid - slope * run.pressure_bps for run in runs]
        ),
        "pressure_bps": over([run.pressure_bps for run in runs]),
        "shortfall_bps": over([each.total for each in parts]),
        "parts_bps": {name: over([getattr(each, name) for each in parts]) for name in PARTS},
        "markouts_bps": {
            str(seconds): over([run.markouts[seconds] for run in runs]) for seconds in MARKOUTS
        },
        "filled": over([float(run.fills.shares.sum()) for run in runs]),
        "filled_beyond_shown": over([float(run.beyond_shown.sum()) for run in runs]),
        "orders": over([float(len(run.sent.shares)) for run in runs]),
        "missed_moments": over([float(run.missed) for run in runs]),
        "walk_bps_by_phase": [each.over_mid for each in parts],
    }


def policy_figures(result: ReplayResult, name: str) -> dict[str, object]:
    """Return one policy's figures by price, and below their names those of other accountings."""
    slope = result.pressure_slope
    found = {
        account: figures([played.done[name, account] for played in result.played], slope)
        for account in result.accountings
    }
    return {"policy": name} | found.pop("by_price") | found


def asked(result: ReplayResult) -> dict[str, object]:
    """Return what was replayed."""
    request = result.request
    return {
        "symbol": request.symbol,
        "date": result.session.date,
        "side": request.order.side,
        "shares": request.order.shares,
        "share_of_volume": request.order.shares / result.volume if result.volume else np.nan,
        "moments": result.played[0].stage.moments,
        "interval_seconds": request.interval,
        "latency_seconds": request.latency,
        "band": request.band,
        "phases": request.phases,
        "half_life_seconds": result.half_life,
        "mid_move": None if result.mid_move is None else result.mid_move.model_dump(),
    }


def content(result: ReplayResult, held: dict[str, Evidence]) -> dict[str, object]:
    """Return the first policy's figures, and `beside` those of the others, as JSON content."""
    first, *others = (
        policy_figures(result, name) | against_twap(held.get(name)) for name in result.names
    )
    return json_ready(asked(result) | first | {"beside": others})


def against_twap(found: Evidence | None) -> dict[str, object]:
    """Return what the tape tells of a policy beside TWAP, nothing of TWAP itself."""
    if found is None:
        return {}
    difference, adverse = found.difference, found.adverse
    columns = (adverse.adverse, adverse.error, adverse.p_value, adverse.bound, adverse.bound_share)
    names = ("adverse_bps", "error_bps", "p_value", "bound_bps", "bound_share_of_saving")
    return {
        "against_twap": {
            "walk_difference_bps": difference.difference,
            "error_bps": difference.error,
            "interval_bps": [difference.lower, difference.upper],
            "blocks": difference.blocks,
            "verdict": found.verdict,
            "adverse_markouts": {
                f"{lag:g}": dict(zip(names, map(float, row), strict=True))
                for lag, *row in zip(adverse.lags, *columns, strict=True)
            },
        }
    }


def report_text(result: ReplayResult, held: dict[str, Evidence]) -> str:
    """Return the policies as columns of one table."""
    found = {name: policy_figures(result, name) for name in result.names}
    rows = [_row(name, name, found) for name in ("walk_bps", "shortfall_bps")]
    predicted = _row("over predicted mid", "walk_over_predicted_mid_bps", found)
    rows += [_row(f"  {part}", part, found, "parts_bps") for part in PARTS]
    rows += [
        _row(f"walk {label}", "walk_bps", found, account)
        for account, label in OTHERS.items()
        if account in result.accountings
    ]
    rows += [_row(f"markout {each} s", str(each), found, "markouts_bps") for each in MARKOUTS]
    rows += [
        _row(name, name, found, form=",.10g")
        for name in ("filled", "filled_beyond_shown", "orders", "missed_moments")
    ]
    rows[2 + len(PARTS) : 2 + len(PARTS)] = [*_against(held, found), predicted]
    width = max(12, *(len(name) + 2 for name in found))
    return "\n".join(
        [
            _head(result),
            f"{'':<22}" + "".join(f"{name:>{width}}" for name in found),
            *(f"{label:<22}" + "".join(f"{x:>{width}}" for x in cells) for label, cells in rows),
            NOTE,
            *_caveats(result),
        ]
    )


def deciding_text(result: ReplayResult) -> str:
    """Return a line a policy that learns: what its lessons and decisions took on this machine.

    It stays out of files, which are the same whenever they are written.
    """
    lines = []
    for name in result.names:
        runs = [played.done[name, how] for played in result.played for how in result.accountings]
        total = sum((run.deciding for run in runs), Deciding())
        if total.lessons:
            lines.append(
                f"{name}: {total.lessons / len(runs):.10g} lessons, "
                f"{total.lesson_seconds / total.lessons:.2g} s each; a decision "
                f"{1e3 * total.decision_seconds / total.decisions:.2g} ms"
            )
    return "\n".join(lines)


def _against(held: dict[str, Evidence], found: dict[str, dict]) -> list[tuple[str, list[str]]]:
    """Return the rows that hold policies against TWAP."""
    rows: list[tuple[str, list[str]]] = [(label, []) for label in AGAINST]
    for name in found:
        one = held.get(name)
        cells = [MISSING] * len(rows)
        if one is not None:
            told, adverse = one.difference, one.adverse
            numbers = [told.difference, told.error, *adverse.bound]
            written = [MISSING if np.isnan(each) else f"{each:.3f}" for each in numbers]
            cells = [*written[:2], one.verdict, *written[2:]]
        for (_, row), cell in zip(rows, cells, strict=True):
            row.append(cell)
    return rows


def _row(
    label: str, key: str, found: dict[str, dict], group: str = "", form: str = ".3f"
) -> tuple[str, list[str]]:
    values = [float((one[group] if group else one)[key]) for one in found.values()]
    rounded = [value if form == ".3f" else round(value, 1) for value in values]
    return label, [MISSING if np.isnan(each) else format(each, form) for each in rounded]


def _head(result: ReplayResult) -> str:
    request = result.request
    return (
        f"{request.symbol} {result.session.date}: {request.order.side} "
        f"{request.order.shares:,} shares, {result.played[0].stage.moments:,} moments every "
        f"{request.interval:g} s, filled {request.latency:g} s later, within {request.band:.0%} "
        "of an even pace; bps of notional"
    )


def _caveats(result: ReplayResult) -> list[str]:
    lines = []
    if result.levels == 1:
        back = "by the half-life, in every account" if result.half_life else "as its price leaves"
        lines.append(
            "the tape shows the best price alone: sizes beyond it are the law's; what was taken "
            f"comes back {back}"
        )
    if result.half_life is None:
        lines.append(
            "half-life: the tape's refill was not measured; --half-life 30s shows what refilling "
            "by time would do"
        )
    lines.append(_predicted(result.mid_move))
    part = result.request.order.shares / result.volume if result.volume else np.inf
    if part > LARGE:
        lines.append(
            f"the order is {part:.1%} of the {result.volume:,.0f} shares traded: it would have "
            f"moved the tape, and above {LARGE:.0%} no saving is claimed"
        )
    return lines


def _predicted(found: MidMoveSection | None) -> str:
    """Return what the mid's predicted move rests on."""
    if found is None or found.estimate is None:
        return "predicted mid: the parameters know too little history to say where the mid goes"
    return (
        f"predicted mid: {found.slope:.3g} x imbalance x half spread in {found.horizon_seconds:g} "
        f"s; on earlier tape {found.estimate:.3g} +- {found.standard_error:.2g}, out-of-sample R2 "
        f"{found.r2_out_of_sample:.4f} +- {found.r2_error:.4f}"
    )


AGAINST = (
    "walk less TWAP's",
    "  its error",
    "  so it",
    *(f"  adverse {lag:g} s, most" for lag in Shifts.lags),
)
OTHERS = {"shown_depth": "in shown depth", "refilled": "refilled by time"}
NOTE = (
    "walk: spread and walk beyond it over the mid, without permanent impact; what was taken is\n"
    "missing until its price leaves the book. In shown depth: and no clip goes beyond the levels\n"
    "on tape. Refilled by time: it comes back with the half-life, and own impact is in later\n"
    "prices. permanent: gamma S^2 / 2, the same for every policy. Errors are by blocks of time.\n"
    "adverse: at most this, by 95 %, fills knew of the mid's next seconds (circular shifts).\n"
    "over predicted mid: and less what the book's imbalance says of the mid's next move."
)
