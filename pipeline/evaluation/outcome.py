"""What an evaluation says: as text, as JSON content, as a record to be tracked."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from pipeline.engine.data_read import made_at
from pipeline.engine.json_content import json_ready
from pipeline.evaluation.candidates import KNOWN, NAMED, WORDS, YARDSTICK
from pipeline.evaluation.picture import plot_savings
from pipeline.evaluation.study import Evaluation
from pipeline.evaluation.verdicts import ALL_SIZES, Row
from pipeline.tracking.record import DatasetRecord, Record

ABOUT = (
    "Evaluations: candidates worked on tape that they have not seen. A run an evaluation, a nested "
    "run a candidate; compare these by regret_bps (the cost above who knew every book), cost_bps "
    "(over mid) and saving_bps (on TWAP). Names end with the order's size, all: the mean over them."
)


def table_of(evaluation: Evaluation) -> pd.DataFrame:
    """Return a row an accounting, size and candidate; size is a part of the forecast volume."""
    return pd.DataFrame(
        [
            {
                "account": row.account,
                "size": "all" if row.size == ALL_SIZES else f"{row.size:g}",
                "candidate": row.judged.name,
                **{f"{key}_bps": getattr(row.judged, key) for key in ("cost", "cost_error")},
                **{f"{key}_bps": getattr(row.judged, key) for key in ("regret", "regret_error")},
                "saving_bps": row.judged.saving,
                "saving_error_bps": row.judged.error,
                "saving_lower_bps": row.judged.lower,
                "saving_upper_bps": row.judged.upper,
                "p_holm": row.holm,
                "verdict": "" if row.judged.name in (YARDSTICK, KNOWN) else row.verdict,
                "share_of_gap": row.judged.share,
                "share_of_gap_error": row.judged.share_error,
                "confidence_set_p": row.set_p,
                "clusters": row.judged.clusters,
                "orders": row.orders,
                "unfilled": row.unfilled,
            }
            for row in evaluation.rows
        ]
    )


def content(evaluation: Evaluation) -> dict[str, object]:
    """Return the evaluation as JSON content."""
    table = table_of(evaluation)
    return json_ready(
        {
            "asked": asdict(evaluation.request),
            "dates": evaluation.dates,
            "symbols": evaluation.symbols,
            "clusters": evaluation.clusters,
            "rows": table.to_dict("records"),
            "quantiles": [
                {"size": size, "date": date, "chosen": name}
                for (size, date), name in sorted(evaluation.quantiles.items())
            ],
            "orders": [
                {
                    "symbol": each.symbol,
                    "date": each.date,
                    "size": each.size,
                    "side": each.side,
                    "shares": each.shares,
                    "account": each.account,
                    "candidate": each.name,
                    "walk_bps": np.nan if each.run is None else each.run.cost,
                    "unfilled": each.unfilled,
                }
                for each in evaluation.worked
            ],
        }
    )


def report_text(evaluation: Evaluation) -> str:
    """Return the mean over all sizes and every size as tables, cheapest candidate first."""
    request, first = evaluation.request, evaluation.rows[0]
    days = f"{evaluation.dates[0]} to {evaluation.dates[-1]}" if len(evaluation.dates) > 1 else ""
    lines = [
        f"Held out: {', '.join(evaluation.symbols)}, {days or evaluation.dates[0]} "
        f"({len(evaluation.dates)} days), both sides, every {request.interval:g} s, filled "
        f"{request.latency:g} s later, within {request.band:.0%} of an even pace.",
        f"Walk over mid in bps of notional; errors by {first.judged.clusters} "
        f"{evaluation.clusters}, intervals 95 % (t), verdicts after Holm over the rows of a kind.",
        *evaluation.left_out,
    ]
    if not np.isfinite(first.judged.cost_error):
        lines.append("Too few clusters for an error: nothing is decided.")
    for account in dict.fromkeys(row.account for row in evaluation.rows):
        for size in dict.fromkeys(row.size for row in evaluation.rows):
            some = [row for row in evaluation.rows if (row.account, row.size) == (account, size)]
            lines += ["", *_table(account, size, some)]
    chosen = sorted(set(evaluation.quantiles.values()))
    if chosen:
        lines += ["", f"threshold: its quantile from the days before, here {', '.join(chosen)}"]
    return "\n".join(lines)


def _table(account: str, size: float, rows: list[Row]) -> list[str]:
    what = "all sizes" if size == ALL_SIZES else f"{size:.1%} of the forecast volume"
    how = "" if account == "by_price" else f", what was taken {account.replace('_', ' ')}"
    lines = [
        f"{what}{how}, {rows[0].orders} orders",
        f"{'':<14}{'cost':>8}{'+-':>7}{'regret':>8}{'+-':>7}{'saving':>9}"
        f"{'95 %':>18}{'verdict':>11}{'of the gap':>16}",
    ]
    for row in sorted(rows, key=lambda row: row.judged.cost):
        one = row.judged
        line = f"{one.name:<14}{one.cost:8.3f}{_number(one.cost_error, 7)}"
        line += f"{one.regret:8.3f}{_number(one.regret_error, 7)}"
        if one.name not in (YARDSTICK, KNOWN):
            between = f"[{one.lower:.3f}, {one.upper:.3f}]" if np.isfinite(one.error) else ""
            line += f"{one.saving:9.3f}{between:>18}{row.verdict:>11}"
            if np.isfinite(one.share):
                line += f"{one.share:8.0%} +-{_number(100 * one.share_error, 4, 0)} %"
        if row.unfilled > 0:
            line += f"   {row.unfilled:.1%} not filled"
        lines.append(line.rstrip())
    return lines


def _number(value: float, width: int, digits: int = 3) -> str:
    return f"{value:{width}.{digits}f}" if np.isfinite(value) else " " * width


def record(evaluation: Evaluation) -> Record:
    """Return what is tracked: the table and the picture, and each candidate as a part.

    The same names of metrics at every candidate, so that they compare in the UI.
    """
    request = evaluation.request
    table, data = table_of(evaluation), _data(evaluation)
    days = f"{' '.join(evaluation.symbols)} {evaluation.dates[0]}..{evaluation.dates[-1]}"
    made = made_at()
    whole = [row for row in evaluation.rows if row.account == evaluation.rows[0].account]
    parts = tuple(
        Record(
            name=f"{candidate} {days}, {made}",
            description=_sentence(next(row for row in whole if row.judged.name == candidate)),
            parameters={"candidate": candidate, "what": _what(candidate)},
            metrics=_metrics([row for row in whole if row.judged.name == candidate]),
            tags={"level": "candidate"},
            datasets=data,
        )
        for candidate in dict.fromkeys(row.judged.name for row in whole)
    )
    asked = {
        key: value for key, value in asdict(request).items() if key not in ("candidates", "out")
    }
    return Record(
        name=f"evaluation of {days}, {made}",
        about=ABOUT,
        description=f"```\n{report_text(evaluation)}\n```",
        datasets=data,
        parameters={key: str(value) for key, value in asked.items()},
        tags={"level": "evaluation", "clusters": evaluation.clusters},
        tables={"evaluation": table},
        figures={"savings": plot_savings(evaluation.rows)},
        files={"evaluation.txt": report_text(evaluation).encode()},
        parts=parts,
    )


def _data(evaluation: Evaluation) -> tuple[DatasetRecord, ...]:
    return tuple(
        DatasetRecord(
            f"{symbol} {read.window}",
            read.fingerprint,
            "tape",
            {"symbol": symbol, "first": read.first, "last": read.last, "days": str(read.days)},
        )
        for symbol, read in evaluation.read.items()
    )


def _sentence(row: Row) -> str:
    """Return what held-out tape says of a candidate, over all sizes or the only one."""
    one = row.judged
    costs = f"{one.name}, {_what(one.name)}: {one.cost:.3f} bps over mid on {row.orders} orders"
    if one.name == YARDSTICK:
        return f"{costs}; the yardstick."
    if one.name == KNOWN:
        return f"{costs}; what nobody can reach."
    error = f" ± {one.error:.3f}" if np.isfinite(one.error) else ""
    saved = f"saves {one.saving:.3f}{error} bps on TWAP: {row.verdict}"
    return f"{costs}, regret {one.regret:.3f}; {saved}."


def _what(name: str) -> str:
    return NAMED[name].words if name in NAMED else WORDS.get(name, "")


def _metrics(rows: list[Row]) -> dict[str, float]:
    found = {}
    for row in rows:
        size = "all" if row.size == ALL_SIZES else f"{100 * row.size:g}_percent"
        found[f"cost_bps/{size}"] = row.judged.cost
        found[f"regret_bps/{size}"] = row.judged.regret
        found[f"saving_bps/{size}"] = row.judged.saving
        if np.isfinite(row.judged.error):
            found[f"saving_error_bps/{size}"] = row.judged.error
    return found
