"""What calibration hands over beside the law: families, inference and checks."""

import numpy as np
import pytest

from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_the_calibration_carries_families_errors_and_checks(small_run: SmallRun) -> None:
    for one in small_run.result.results.symbols:
        table, facts = one.calibration.parameters.set_index("name"), one.calibration.facts.iloc[0]
        families = one.calibration.families.set_index("family")
        assert families.index[families["selected"]].tolist() == ["spread_power"]  # what was planted
        assert families.index[families["used"]].tolist() == [facts["family"]] == ["spread_power"]
        assert families["criterion"].idxmin() in ("spread_power", "spread_sqrt")
        free = table.dropna(subset=["standard_error"])
        assert ((free["low"] < free["value"]) & (free["value"] < free["high"])).all()
        reach = (free["high"] - free["low"]) / 2 / free["standard_error"]
        assert (
            reach.drop("gamma") > 1.95
        ).all()  # t has wider tails than the normal; gamma's is cut
        estimated = free.drop("gamma")
        alone = one.shrinkage.set_index("parameter")["estimate_error"]  # before levels are smoothed
        np.testing.assert_allclose(estimated["bootstrap_error"], alone[estimated.index], rtol=0.4)
        assert (
            table.loc["k", "profile_low"] < table.loc["k", "value"] < table.loc["k", "profile_high"]
        )
        errors = ["asymmetry_error", "volatility_slope_error", "volume_slope_error"]
        assert facts[errors].gt(0).all()
        assert abs(facts["asymmetry"]) < 4 * facts["asymmetry_error"]
        sizes = one.calibration.sizes.set_index("size")
        shown = sizes[sizes.index <= facts["shown"]]
        assert shown["censored"].le(0.2).all()
        assert shown["log_error"].eq(0).all()
        assert sizes["log_error"].is_monotonic_increasing
        local = shown["local_k"].dropna().iloc[2:]  # ticks bend the smallest
        np.testing.assert_allclose(local, table.loc["k", "value"], atol=0.02)


def test_the_covariance_joins_the_law_and_permanent_impact(small_run: SmallRun) -> None:
    for one in small_run.result.results.symbols:
        matrix = one.calibration.covariance.set_index("name")
        names = list(matrix.index)
        values = matrix[names].to_numpy()
        assert names[-1] == "gamma"
        np.testing.assert_allclose(values, values.T)
        scale = np.sqrt(np.diag(values))
        free = scale > 0
        correlation = values[free][:, free] / np.outer(scale[free], scale[free])
        assert np.linalg.eigvalsh(correlation)[0] > -1e-9
        assert np.abs(values[-1, :-1]).max() > 0
        errors = one.calibration.parameters.set_index("name")["standard_error"]
        np.testing.assert_allclose(scale[free], errors.dropna())
