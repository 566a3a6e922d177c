"""Scores on held-out cells: what ran out of depth, what cost nothing, how far off costs may be."""

import numpy as np
import pandas as pd
import pytest

from models.losses import gamma_deviance
from pipeline.stages.selection.scores import candidate_scores, cost_reaches

SIZES = np.array([100.0, 200.0, 400.0])


def cells(days: int, periods: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return held-out cells of a law of 1.5 with noise; half spread .01."""
    draw = np.random.default_rng(seed)
    grid = pd.MultiIndex.from_product([range(days), range(periods), [1, -1], SIZES])
    frame = grid.to_frame(index=False, name=["date", "period", "side", "size"])
    noise = np.exp(0.3 * draw.standard_normal(len(frame)))
    return frame.assign(
        date=frame["date"].map("day{:02d}".format),
        half_spread=0.01,
        mid_open=50.0,
        censored=0.0,
        cluster=frame["date"],
        observed=(0.01 * frame["size"] + told(frame) * noise),
    )


def told(frame: pd.DataFrame) -> np.ndarray:
    return 1e-3 * frame["size"].to_numpy() ** 1.5


def test_a_cell_without_depth_counts_by_what_it_cost_at_least() -> None:
    """Its price is at least that of the largest size that depth held; more costs nothing more."""
    held = cells(1, 1)
    held.loc[held["size"] == 400.0, ["censored", "observed"]] = [0.7, np.nan]
    least = 2 * held.loc[held["size"] == 200.0, "observed"].to_numpy()
    for factor in (0.8, 1.0, 5.0):
        predicted = held["observed"].to_numpy().copy()
        predicted[held["size"] == 400.0] = factor * least
        found = candidate_scores(held, {"law": predicted}, ("law",)).iloc[0]
        short = gamma_deviance(least, factor * least).sum() if factor < 1 else 0.0
        assert found["deviance"] == pytest.approx(short / len(held))
        assert (found["cells"], found["bounded"], found["free"]) == (6, 2, 0)


def test_a_walk_that_never_held_a_size_is_bounded_by_the_spread() -> None:
    held = cells(1, 1).assign(censored=1.0)
    cheap = {"law": 0.005 * held["size"].to_numpy(), "dear": 0.01 * held["size"].to_numpy()}
    found = candidate_scores(held, cheap, ("law",)).set_index("candidate")["deviance"]
    assert found["dear"] == 0.0
    assert found["law"] == pytest.approx(2 * (2 - 1 - np.log(2)))


def test_what_cost_nothing_is_counted_and_not_scored() -> None:
    held = cells(2)
    held.loc[[0, 7], "observed"] = 0.0
    found = candidate_scores(held, {"law": told(held)}, ("law",)).iloc[0]
    assert (found["cells"], found["free"]) == (len(held) - 2, 2)
    assert np.isfinite(found["deviance"])


def test_how_far_off_costs_may_be_needs_nine_days() -> None:
    for days, available in ((8, False), (9, True)):
        held = cells(days)
        found = cost_reaches(held, {"law": 0.01 * held["size"].to_numpy() + told(held)})
        assert list(found["size"]) == list(SIZES)
        assert found["reach"].notna().all() == available
        assert (found["days"] == days).all()


def test_sizes_that_depth_seldom_held_have_no_reach() -> None:
    held = cells(12)
    some = (held["size"] == 400.0) & (held["period"] < 8)
    held.loc[some, "censored"] = 0.9
    found = cost_reaches(held, {"law": 0.01 * held["size"].to_numpy() + told(held)})
    assert list(found["reach"].notna()) == [True, True, False]
