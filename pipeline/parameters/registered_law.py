"""The calibrated law as an MLflow model: its stored form is one symbol's section of params.json."""

import hashlib
import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from solver import law_of

SCHEMA = "impact-params/2"  # of the file that the section is of


class CalibratedLaw(mlflow.pyfunc.PythonModel):
    """Cost over mid, in currency, of `shares` traded in session period `period`.

    By the learned curve where the section has one.
    """

    def load_context(self, context: Any) -> None:
        """Read the law from its JSON artifact.

        Raises: ValueError for one that is damaged or of another schema.
        """
        content = Path(context.artifacts["law"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != (context.model_config or {}).get("sha256"):
            raise ValueError("law.json is not as it was logged (its hash differs); log it anew")
        self.read(json.loads(content))

    def read(self, stored: dict[str, Any]) -> None:
        """Take one symbol's section of `params.json`, with the file's schema.

        Raises: ValueError for another schema, or a section that lacks something.
        """
        if stored.get("schema") != SCHEMA:
            raise ValueError(f"law.json: schema {stored.get('schema')}, {SCHEMA} is read")
        try:
            self._law = law_of(stored)
            self._place = {int(period["i"]): at for at, period in enumerate(stored["periods"])}
        except (KeyError, TypeError) as error:
            raise ValueError(f"law.json: no section of {SCHEMA}: {error} is missing") from None

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """Return one cost a row of `model_input` (columns period, shares).

        Raises: ValueError for a period that the law does not cover, or shares that cannot be.
        """
        asked = model_input["period"].to_numpy()
        unknown = [period for period in asked if int(period) not in self._place]
        if unknown:
            first, last = min(self._place), max(self._place)
            raise ValueError(f"period {unknown[0]}: the law covers periods {first} to {last}")
        traded = pd.to_numeric(model_input["shares"], errors="coerce").to_numpy(dtype=float)
        wrong = np.flatnonzero(~(np.isfinite(traded) & (traded >= 0)))
        if len(wrong):
            said = model_input["shares"].iloc[wrong[0]]
            raise ValueError(f"shares {said} in row {wrong[0]}: give a number of 0 or more")
        place = np.array([self._place[int(period)] for period in asked], dtype=int)
        shares = np.zeros((len(self._place), len(place)))
        shares[place, np.arange(len(place))] = traded
        return self._law.cost(shares)[place, np.arange(len(place))]


mlflow.models.set_model(CalibratedLaw())
