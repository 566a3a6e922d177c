"""Nights as text: one in a few lines, all of them as a table, a file in one line."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.parameters.schema import Params
from pipeline.retraining.nights import Move, Night

WORDS = {
    "first": "in force: the first parameters",
    "promoted": "in force: tonight's parameters",
    "changed": "in force: another family",
    "kept": "held back: what was in force stays",
}


def night_text(night: Night) -> str:
    """Return a night's verdict and its checks."""
    lines = [f"{night.date} {WORDS[night.outcome]} ({night.why})"]
    for check in night.checks:
        seen = "" if check.value is None else f"{check.value:.4g} against {check.threshold:.4g}, "
        lines.append(
            f"  {'passes' if check.passes else 'FAILS ':<7}{check.name:<12}{seen}{check.words}"
        )
    for look in night.looks:
        said = "better" if look.passes else ""
        lines.append(
            f"  {said:<7}{look.name:<12}p {look.value:.3g} against {look.threshold:.3g}, "
            f"{look.words}"
        )
    if night.charged:
        one = night.charged
        others = "".join(f", {name} {cost:.3f}" for name, cost in one.rivals.items())
        lines.append(
            f"  {one.date} charged: TWAP {one.twap:.3f}, the refit {one.candidate:.3f}, what had "
            f"been in force {one.champion:.3f}, what was {one.in_force:.3f}{others} bps (one day: "
            "no error)"
        )
    lines.append(
        f"  in force {night.in_force}, made {night.made}, for {night.session}: {forms_text(night)}"
    )
    return "\n".join(lines)


def forms_text(night: Night) -> str:
    """Return the families in force, each with its symbols where there are several."""
    by_form: dict[str, list[str]] = {}
    for symbol, form in night.forms.items():
        word = form.law or "the law selected"
        by_form.setdefault(f"{word} and {form.learner}" if form.learner else word, []).append(
            symbol
        )
    if len(by_form) == 1:
        return next(iter(by_form))
    return "; ".join(f"{word} ({len(names)} symbols)" for word, names in by_form.items())


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
