"""The states that the law is fitted to: predictions moved to the mean of what came of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit, fit_law
from models.impact.book.families import Family
from models.impact.book.state_calibration import StateSlopes, state_slopes, with_slopes_errors
from models.inference.caveat import Caveat
from pipeline.stages.history import law_cells

STEP = 0.02  # of a slope, for the derivative of the law in it
STATES = ("volatility", "volume")


@dataclass(frozen=True, eq=False)
class CalibratedStates:
    """Past periods with predicted states and outcomes, and the slopes of one on the other.

    No slopes: one day of history tells none.
    """

    frame: pd.DataFrame
    slopes: StateSlopes | None

    @property
    def fitted(self) -> pd.DataFrame:
        """Return the frame with its states as the law sees them."""
        factors = np.ones(2) if self.slopes is None else self.slopes.factors(self.slopes.slopes)
        return self.frame.assign(
            volatility=self.frame["volatility"] * factors[0],
            volume_state=self.frame["volume_state"] * factors[1],
        )

    @property
    def facts(self) -> dict[str, float]:
        """Return each state's slope on its own prediction with its error, NaN where none is."""
        own = errors = np.full(2, np.nan)
        if self.slopes is not None:
            own, errors = (
                np.diag(one) for one in (self.slopes.slopes, self.slopes.standard_errors)
            )
        slopes = {f"{name}_moved": float(value) for name, value in zip(STATES, own, strict=True)}
        return slopes | {
            f"{name}_moved_error": float(value) for name, value in zip(STATES, errors, strict=True)
        }

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """Say where states enter as they were predicted."""
        if self.slopes is not None:
            return ()
        message = (
            "one day of history: states enter the fit as they were predicted; the errors of those "
            "make beta and theta too small"
        )
        return (Caveat("states_as_predicted", message),)

    def moved(self, cells: pd.DataFrame, more: float | np.ndarray = 0.0) -> pd.DataFrame:
        """Return cells with calibrated states; more: added to the slopes."""
        if self.slopes is None:
            return cells
        factors = self.slopes.factors(self.slopes.slopes + more)
        place = ["date", "period"]
        table = self.frame[place].assign(of_volatility=factors[0], of_volume=factors[1])
        found = cells.merge(table, on=place, how="left")
        return found.assign(
            volatility=found["volatility"] * found["of_volatility"],
            thinness=found["thinness"] / found["of_volume"],
        ).drop(columns=["of_volatility", "of_volume"])

    def with_errors(
        self,
        fit: CostLawFit,
        cells: pd.DataFrame,
        family: Family,
        buckets: int,
        half_life: float = np.inf,
    ) -> CostLawFit:
        """Return the law with the slopes' errors; cells: as predicted, that it was fitted to,
        with days that weigh half after `half_life`.

        A step in a slope after which other coefficients are identified tells no derivative.
        """
        if self.slopes is None:
            return fit
        shape = self.slopes.slopes.shape
        sensitivity = np.zeros((self.slopes.slopes.size, len(fit.values)))
        for place, unit in enumerate(STEP * np.eye(len(sensitivity))):
            more = unit.reshape(shape)
            some = law_cells(self.moved(cells, more), half_life)
            beside = fit_law(some, family, buckets)
            same = (beside.covariance.standard_errors > 0) == (fit.covariance.standard_errors > 0)
            if beside.family is fit.family and same.all():
                sensitivity[place] = (beside.values - fit.values) / STEP
        return with_slopes_errors(fit, sensitivity, self.slopes)


def calibrated_states(states: pd.DataFrame) -> CalibratedStates:
    """Return the slopes of realized on predicted states; states: past periods with both."""
    if states["date"].nunique() < 2:
        return CalibratedStates(states, None)
    bucket, cluster = (states[name].to_numpy(dtype=np.int64) for name in ("bucket", "cluster"))
    predicted = states[["volatility", "volume_state"]].to_numpy(dtype=float).T
    realized = np.array([np.sqrt(states["realized_variance"]), states["volume"]], dtype=float)
    day = np.unique(states["date"].to_numpy(dtype=str), return_inverse=True)[1]
    return CalibratedStates(states, state_slopes(predicted, realized, bucket, day, cluster))
