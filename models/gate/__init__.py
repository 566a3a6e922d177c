"""What may replace what is in force, night by night: refreshed parameters, another family."""

from models.gate.change import FIRST_LOOK, LAST_LOOK, LEVEL, change_of_family
from models.gate.drift import SHIFTED, Drift, drift, stability_index
from models.gate.refresh import DELTA, FEWEST, refresh, strict_from
from models.gate.verdict import Verdict

__all__ = [
    "DELTA",
    "FEWEST",
    "FIRST_LOOK",
    "LAST_LOOK",
    "LEVEL",
    "SHIFTED",
    "Drift",
    "Verdict",
    "change_of_family",
    "drift",
    "refresh",
    "stability_index",
    "strict_from",
]
