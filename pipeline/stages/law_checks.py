"""What a calibration says against itself beside its estimators: where the law may not hold."""

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit, fit_law
from models.impact.book.families import FamilyFit
from models.impact.book.identification import Contrast, attenuation, lopsided
from models.impact.book.selection import MOST_CENSORED, Comparison
from models.inference.caveat import Caveat
from pipeline.engine.scope import Scope
from pipeline.stages.history import law_cells

UNSTABLE = 2.0  # standard errors between the exponents of shown and of all sizes


def compared(
    found: FamilyFit, comparison: Comparison, contrasts: dict[str, Contrast]
) -> list[Caveat]:
    """Say where sides differ, states attenuate, or the walks support another family."""
    caveats = [*lopsided(contrasts["asymmetry"])]
    for name, slope in (("beta", "volatility_slope"), ("theta", "volume_slope")):
        caveats += attenuation(name, contrasts[slope]) if name in found.solution.score.free else ()
    if comparison.selected is not found.family:
        message = (
            f"the walks support the family {comparison.selected.value}; the law is "
            f"{found.family.value}"
        )
        caveats.append(Caveat("family_not_selected", message))
    return caveats


def extrapolation(cells: pd.DataFrame, found: CostLawFit, scope: Scope) -> list[Caveat]:
    """Say up to which size the book showed its cost, and whether the exponent there is that of all
    sizes.
    """
    censored = cells.groupby("size")["censored"].mean()
    held = censored.index[censored <= MOST_CENSORED]
    if len(held) == len(censored):
        return []
    limit = f"{held.max():,.0f} shares" if len(held) else "no size of the grid"
    caveats = [
        Caveat(
            "extrapolated",
            f"displayed depth held {limit} at least half of the time: costs of larger orders "
            "are extrapolated",
        )
    ]
    if found.family.fixed_k is None and len(held) > 2:
        part = fit_law(law_cells(cells[cells["size"].isin(held)]), found.family, scope.buckets)
        apart = np.hypot(part.standard_error("k"), found.standard_error("k"))
        if part.family is found.family and abs(part.k - found.k) > UNSTABLE * apart:
            caveats.append(
                Caveat(
                    "k_unstable",
                    f"k is {part.k:.3g} on the sizes that the book shows and {found.k:.3g} "
                    "on all: its standard error leaves this out",
                )
            )
    return caveats
