"""What plans cost over TWAP in simulated worlds; `python -m benchmarks.tilt` is the full form."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import tilt
from benchmarks.tilt import drawn, figures, history, parameter_file, sessions
from pipeline.stages.forecasting.horizon import walked_forward
from solver import solve, tilt_of


def test_a_day_without_a_pattern_costs_no_more_than_one_per_cent() -> None:
    found = figures(0.0, 12)
    assert abs(found["rule"][0]) <= 0.01
    assert found["rule"][0] < found["raw"][0]


def test_a_day_with_a_pattern_saves() -> None:
    mean, error = figures(tilt.PATTERN, 12)["rule"]
    assert mean + 3 * error < 0


@pytest.mark.parametrize("pattern", [0.0, 2 * tilt.PATTERN])
def test_no_period_gets_five_times_its_share_of_volume_but_for_a_sure_saving(
    pattern: float,
) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        params = parameter_file(history(drawn(pattern, sessions()[0].periods, rng), rng))
        periods = params["symbols"]["SIM"]["periods"]
        volume = np.array([period["volume"] for period in periods])
        for shares in (1_000.0, 30_000.0, 300_000.0):
            found = tilt_of(params, "SIM", shares, tilt.TERMS)
            x = solve(found.problem).x
            moved = x - shares / len(x)
            saving = found.record.savings(moved).mean() - found.worthless
            sure = saving > 2 * found.record.error(moved)[0]
            assert sure or (x / shares <= 5 * volume / volume.sum()).all()


def test_what_is_scored_of_a_day_was_known_before_it() -> None:
    """Change the last day, and then the one before: what was told of it and earlier days stays."""
    scope, dates = sessions()
    states = drawn(tilt.PATTERN, scope.periods, np.random.default_rng(1))

    def told(changed: int | None) -> pd.DataFrame:
        seen = {name: logs.copy() for name, logs in states.items()}
        if changed is not None:
            for logs in seen.values():
                logs[changed] += 1.0 + np.sin(np.arange(logs.shape[1]))
        table = walked_forward(history(seen, np.random.default_rng(2)), dates, scope)
        return table.set_index(["series", "date", "period"])

    before = told(None)
    assert set(before.index.get_level_values("date")) == set(dates[1:])
    for changed in (len(dates) - 1, len(dates) - 2):
        after = told(changed)
        early = before.index.get_level_values("date") <= dates[changed]
        pd.testing.assert_series_equal(before["forecast"][early], after["forecast"][early])
        differs = before["realized"] != after["realized"]
        assert set(before.index[differs].get_level_values("date")) == {dates[changed]}
