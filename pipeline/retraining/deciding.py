"""What a night comes to: tonight's refit, another family, or what was in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.report.publish import GATE
from pipeline.retraining.families import Rival
from pipeline.retraining.gate import Judged, within_margin
from pipeline.retraining.guards import admissible
from pipeline.retraining.nights import Check, Outcome

OF_DATA = (
    "quality",
    "break",
    "drift",
    "coverage",
)  # checks that hold back whatever rests on tonight's data


@dataclass(frozen=True)
class Decision:
    """The outcome, why, and the challenger that comes in force, empty for none."""

    outcome: Outcome
    why: str
    rival: str = ""


def decided(
    checks: Sequence[Check], looks: Sequence[Check], rivals: Mapping[str, Rival], on: Judged
) -> Decision:
    """Return what comes in force: a challenger that is shown to be better, where what its data is
    judged by passes and it passes its own guards; else the refit, unless a check of it fails.
    """
    if on.champion is None:
        return Decision("first", "nothing was in force")
    failed = [check for check in checks if not check.passes]
    better = [look for look in looks if look.passes and look.name in rivals]
    if better and not any(check.name in OF_DATA for check in failed):
        for look in sorted(better, key=lambda each: each.value or 0.0):
            guards = (
                admissible(rivals[look.name].fitted.params, on.champion),
                within_margin(on.today, look.name),
            )
            if all(guard.passes for guard in guards):
                return Decision("changed", f"{look.name}: {look.words}", look.name)
    if failed:
        return Decision("kept", "; ".join(f"{check.name}: {check.words}" for check in failed))
    return Decision(
        "promoted", "; ".join(check.words for check in checks if check.name == "refresh")
    )


def gate_table(checks: Sequence[Check], looks: Sequence[Check]) -> pd.DataFrame:
    """Return checks and looks as the report and MLflow have them: a row each."""
    rows = [
        (one.name, one.value, one.threshold, "passes" if one.passes else "fails", one.words)
        for one in checks
    ]
    for one in looks:
        verdict = "shown better" if one.passes else "not shown better"
        rows.append((f"challenger {one.name}", one.value, one.threshold, verdict, one.words))
    return pd.DataFrame(rows, columns=list(GATE))
