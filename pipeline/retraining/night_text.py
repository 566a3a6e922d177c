"""Nights as text: one in a few lines, all of them as a table, a file in one line."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.parameters.schema import Params
from pipeline.retraining.nights import Move, Night

WORDS = {
    "first": "in force: the first parameters",
    "promoted": "in force: tonight's parameters",
    "kept": "held back: what was in force stays",
}


def night_text(night: Night) -> str:
    """Return a night's verdict and its checks."""
    lines = [f"{night.date} {WORDS[night.outcome]} ({night.why})"]
    for check in night.checks:
        seen = "" if check.value is None else f"{check.value:.4g} against {check.threshold:.4g}, "
        lines.append(
            f"  {'passes' if check.passes else 'FAILS ':<7}{check.name:<10}{seen}{check.words}"
        )
    if night.charged:
        one = night.charged
        lines.append(
            f"  {one.date} charged: TWAP {one.twap:.3f}, the refit {one.candidate:.3f}, what was "
            f"in force {one.champion:.3f} bps (one day: no error)"
        )
    lines.append(f"  in force {night.in_force}, made {night.made}, for {night.session}")
    return "\n".join(lines)


def history_text(nights: Sequence[Night], moves: Sequence[Move]) -> str:
    """Return a line a night, oldest first, then the moves by hand."""
    if not nights:
        return "no night yet: `impact retrain --as-of DATE` makes the first"
    lines = [f"{'night':<12}{'outcome':<10}{'in force':<26}{'refit less champion':>20}  why"]
    for one in nights:
        gap = f"{one.charged.difference:+.3f} bps" if one.charged else ""
        lines.append(f"{one.date:<12}{one.outcome:<10}{one.in_force:<26}{gap:>20}  {one.why}")
    lines += [
        f"{one.made[:10]:<12}{'by hand':<10}{one.in_force:<26}{'':>20}  {one.who}: {one.why}"
        for one in moves
    ]
    return "\n".join(lines)


def file_text(path: str, params: Params, run_id: str | None) -> str:
    """Return what a file is, and whether it is as it was published."""
    whole = "no manifest beside it" if run_id is None else f"as run {run_id} published it"
    expires = params.valid.expires
    old = bool(expires) and datetime.now(UTC) >= datetime.fromisoformat(str(expires))
    return (
        f"{path}: {params.schema_}, {whole}; {len(params.symbols)} symbols, for "
        f"{params.valid.start} to {params.valid.end}{', expired' if old else ''}"
    )
