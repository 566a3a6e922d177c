"""What learners add to the law, as sections of `params.json`: curves of cost, and costs to come."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.parameters.sections import ComingHorizon, ComingSection, CurvesSection
from solver import ImpactLaw, log_ratios
from solver.execution.coming import NAMES


@dataclass(frozen=True)
class Taught:
    """What learners found of one symbol. curve: of a regressor, learner, period, size, cost, no
    rows where the law stands alone; coming: of `Learned`.
    """

    curve: pd.DataFrame
    coming: pd.DataFrame


def taught_sections(
    taught: Taught, periods: pd.DataFrame, value: pd.Series
) -> dict[str, CurvesSection | ComingSection | None]:
    """Return the sections of what learners add to the law."""
    return {"curves": _curves(taught.curve, periods, value), "coming": _coming(taught.coming)}


def _coming(told: pd.DataFrame) -> ComingSection | None:
    """Return what the hour's states tell of costs to come, None where that is nothing."""
    coefficients = told[list(NAMES)].to_numpy(dtype=float)
    if not coefficients.any():
        return None

    def known(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return ComingSection(
        features=NAMES,
        horizons=tuple(
            ComingHorizon(
                periods=row.periods,
                coefficients=tuple(one.tolist()),
                slope=known(row.slope),
                standard_error=known(row.slope_error),
                r2_out_of_sample=known(row.r2),
            )
            for row, one in zip(told.itertuples(), coefficients, strict=True)
        ),
    )


def _curves(curve: pd.DataFrame, periods: pd.DataFrame, value: pd.Series) -> CurvesSection | None:
    """Return the curve as ratios to the law that is exported beside it."""
    if curve.empty:
        return None
    law = ImpactLaw(
        alpha=periods["alpha"].to_numpy(),
        k=value["k"],
        beta=value["beta"],
        spread=periods["spread"].to_numpy(),
        volatility=periods["volatility"].to_numpy(),
        liquidity=periods["liquidity"].to_numpy(),
    )
    wide = curve.pivot(index="period", columns="size", values="cost").loc[periods["i"]]
    knots = wide.columns.to_numpy(dtype=float)
    ratio = np.exp(log_ratios(law, knots, wide.to_numpy(dtype=float)))
    return CurvesSection(
        learner=curve["learner"].iloc[0],
        knots=tuple(knots.tolist()),
        ratio=tuple(map(tuple, ratio.tolist())),
    )
