"""The average of several forecasts, which errs less than most of its members."""

from dataclasses import dataclass

import numpy as np

from models.forecast.daily.linear import Richest
from models.forecast.daily.measures import Measures, positive_log
from models.forecast.daily.model import DailyFit, DailyForecast, DailyModel


@dataclass(frozen=True)
class Combination:
    """The geometric mean of the members' forecasts, all of one weight.

    Estimated weights lose what they gain.
    Source: Timmermann 2006, "Forecast combinations", section 7 (the "combination puzzle").
    """

    name: str
    members: tuple[DailyModel, ...]

    def parts(self, history: Measures) -> tuple[str, ...]:
        """Return the names of the members as such measures allow them."""
        return tuple(
            (member.chosen(history) if isinstance(member, Richest) else member).name
            for member in self.members
        )

    def fit(self, history: Measures, window: int) -> "CombinationFit":
        """Fit every member; raises what they raise."""
        return CombinationFit(self, tuple(member.fit(history, window) for member in self.members))


@dataclass(frozen=True, eq=False)
class CombinationFit:
    """The fitted members."""

    model: Combination
    members: tuple[DailyFit, ...]

    def update(self, observation: Measures) -> "CombinationFit":
        """Return the members fitted again to the window that ends with the observed days."""
        return CombinationFit(
            self.model, tuple(member.update(observation) for member in self.members)
        )

    def forecast(self, horizon: int) -> DailyForecast:
        """Return the next `horizon` days; a day's ratio is known where every member's is."""
        found = [member.forecast(horizon) for member in self.members]
        mean = np.exp(np.mean([np.log(each.mean) for each in found], axis=0))
        shared = min(each.ratios.shape[1] for each in found)  # they all end on the same day
        ratios = np.exp(np.mean([positive_log(each.ratios[:, -shared:]) for each in found], axis=0))
        return DailyForecast(mean, ratios, np.any([each.replaced for each in found], axis=0))

    def summary(self) -> str:
        """Return the fits as text."""
        return "\n".join(
            [
                f"{self.model.name} of {len(self.members)}",
                *(each.summary() for each in self.members),
            ]
        )
