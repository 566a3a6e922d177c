"""The book route: walks of the book to a cost law, its family selected and its errors clustered."""

from models.impact.book.cost_law import CostLawFit, fit_law
from models.impact.book.families import Family, FamilyFit
from models.impact.book.identification import asymmetry, identification, profile_range, reliability
from models.impact.book.selection import Comparison, compare_families, fit_selected
from models.impact.book.walks import Cells, shown_sizes

__all__ = [
    "Cells",
    "Comparison",
    "CostLawFit",
    "Family",
    "FamilyFit",
    "asymmetry",
    "compare_families",
    "fit_law",
    "fit_selected",
    "identification",
    "profile_range",
    "reliability",
    "shown_sizes",
]
