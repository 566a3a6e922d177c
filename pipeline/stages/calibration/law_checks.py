"""What a calibration says against itself beside its estimators: where the law may not hold."""

from models.impact.book.families import FamilyFit
from models.impact.book.identification import Contrast, attenuation, lopsided
from models.impact.book.selection import Comparison
from models.inference.caveat import Caveat


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
