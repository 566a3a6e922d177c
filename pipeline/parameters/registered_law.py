"""The calibrated law as an MLflow model: its stored form is one symbol's section of params.json."""

import json
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from solver import PowerLaw


class CalibratedLaw(mlflow.pyfunc.PythonModel):
    """Cost over mid, in currency, of `shares` traded in session period `period`."""

    def load_context(self, context: Any) -> None:
        """Read the law from its JSON artifact."""
        with open(context.artifacts["law"], encoding="utf-8") as file:
            stored = json.load(file)
        self._law = stored["law"]
        self._periods = pd.DataFrame(stored["periods"]).set_index("i")

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """Return one cost a row of `model_input` (columns period, shares)."""
        state = self._periods.loc[model_input["period"]]
        scale = state["alpha"] * (1 + self._law["beta"] * state["volatility"]) * state["liquidity"]
        law = PowerLaw(
            scale=scale.to_numpy(), exponent=self._law["k"], spread=state["spread"].to_numpy()
        )
        return law.cost(model_input["shares"].to_numpy(dtype=float))


mlflow.models.set_model(CalibratedLaw())
