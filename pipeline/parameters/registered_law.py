"""The calibrated law as an MLflow model: its stored form is one symbol's section of params.json."""

import json
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from solver import law_of


class CalibratedLaw(mlflow.pyfunc.PythonModel):
    """Cost over mid, in currency, of `shares` traded in session period `period`.

    By the learned curve where the section has one.
    """

    def load_context(self, context: Any) -> None:
        """Read the law from its JSON artifact."""
        with open(context.artifacts["law"], encoding="utf-8") as file:
            self.read(json.load(file))

    def read(self, stored: dict[str, Any]) -> None:
        """Take one symbol's section of `params.json`."""
        self._law = law_of(stored)
        self._place = {period["i"]: place for place, period in enumerate(stored["periods"])}

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """Return one cost a row of `model_input` (columns period, shares)."""
        place = np.array([self._place[period] for period in model_input["period"]], dtype=int)
        shares = np.zeros((len(self._place), len(place)))
        shares[place, np.arange(len(place))] = model_input["shares"].to_numpy(dtype=float)
        return self._law.cost(shares)[place, np.arange(len(place))]


mlflow.models.set_model(CalibratedLaw())
