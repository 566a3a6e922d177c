"""Pooling of calibrations: units that compare, what is left alone, and the smooth profile."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.tables import Calibration
from pipeline.stages.calibration.day_variances import lent_days
from pipeline.stages.calibration.pool import PoolSettings, pool_symbols

BUCKETS, PERIODS = 6, 390
NAMES = [*(f"log_alpha_{bucket}" for bucket in range(BUCKETS)), "k", "beta", "theta", "gamma"]


def calibration(
    rng: np.random.Generator, scale: float = 1.0, error: float = 0.1, family: str = "spread_power"
) -> Calibration:
    """One symbol's law: a tenth of its volume costs a fifth of its volatility, in any units."""
    volume, volatility = 2000.0 * scale, 0.05 / scale
    k = 1.5 + 0.02 * rng.normal()
    level = (
        np.log(0.2 * volatility)
        - np.log(1.5)
        - (k - 1) * np.log(0.1 * volume)
        + 0.05 * rng.normal()
    )
    values = np.append(
        level + 0.3 * (np.linspace(-1, 1, BUCKETS) ** 2 - 0.4),
        [k, 0.5, 1.0, 0.3 * volatility / volume],
    )
    half = rng.normal(size=(BUCKETS + 3, BUCKETS + 3)) * np.append(
        np.full(BUCKETS, error), [error / 5, error, error]
    )
    matrix = np.zeros((BUCKETS + 4, BUCKETS + 4))
    matrix[:-1, :-1] = half.T @ half / (BUCKETS + 3)
    matrix[-1, -1] = (0.05 * volatility / volume) ** 2
    values = rng.multivariate_normal(values, matrix)
    parameters = pd.DataFrame(
        {
            "name": NAMES,
            "value": values,
            "standard_error": np.sqrt(np.diag(matrix)),
            "dof": 19.0,
            "low": values - 2 * np.sqrt(np.diag(matrix)),
            "high": values + 2 * np.sqrt(np.diag(matrix)),
            "unit": "1",
            "source": "models.impact.book.cost_law.fit_law",
        }
    )
    facts = pd.DataFrame(
        [
            {
                "family": family,
                "volatility": volatility,
                "volume_shares": volume,
                "depth_shares": 0.5 * volume,
                "gamma_immediate": 0.6 * volatility / volume,
                "gamma_immediate_error": 0.02 * volatility / volume,
                "gamma_share": values[-1] / (0.6 * volatility / volume),
            }
        ]
    )
    return Calibration(
        parameters,
        pd.DataFrame(matrix, columns=NAMES).assign(name=NAMES),
        facts,
        pd.DataFrame(),
        pd.DataFrame(),
        pd.DataFrame(),
        pd.DataFrame(),
        pd.DataFrame(columns=["code", "message"]),
        pd.DataFrame(),
    )


def several(seed: int, count: int = 7) -> tuple[tuple[str, Calibration], ...]:
    rng = np.random.default_rng(seed)
    scales = np.geomspace(0.01, 100, count)
    return tuple(
        (f"S{i}", calibration(rng, scale, 1.0 if i == 0 else 0.05))
        for i, scale in enumerate(scales)
    )


def test_symbols_of_any_scale_compare_and_the_thin_one_moves_to_the_others():
    pooled = pool_symbols(several(0), PoolSettings(PERIODS))
    levels = pd.concat([one.shrinkage.assign(symbol=one.symbol) for one in pooled]).set_index(
        ["parameter", "symbol"]
    )
    level = levels.loc["level"]
    assert level["own_weight"]["S0"] < 0.3
    assert (level["own_weight"].drop("S0") > level["own_weight"]["S0"]).all()
    shape = 0.3 * (np.linspace(-1, 1, BUCKETS) ** 2 - 0.4)
    assert np.exp(level["centre"].iloc[0]) == pytest.approx(0.2 * np.exp(shape.mean()), rel=0.1)
    assert levels.loc["gamma"]["centre"].iloc[0] == pytest.approx(0.3, rel=0.15)
    assert (level["pooled_error"] <= level["estimate_error"]).all()
    assert (level["symbols"] == 7).all()


def test_what_is_returned_is_consistent():
    fitted = several(1)
    for one, (symbol, before) in zip(
        pool_symbols(fitted, PoolSettings(PERIODS)), fitted, strict=True
    ):
        after = one.calibration
        assert one.symbol == symbol
        assert after.parameters["name"].tolist() == NAMES == after.covariance["name"].tolist()
        matrix = after.covariance[NAMES].to_numpy()
        np.testing.assert_allclose(after.parameters["standard_error"], np.sqrt(np.diag(matrix)))
        assert (np.linalg.eigvalsh(matrix) > -1e-12).all()
        errors, earlier = after.parameters["standard_error"], before.parameters["standard_error"]
        assert (errors[BUCKETS:] < 1.0001 * earlier[BUCKETS:]).all()
        assert errors[:BUCKETS].mean() < earlier[:BUCKETS].mean()
        assert one.profile["period"].tolist() == list(range(PERIODS))
        assert np.abs(np.diff(one.profile["log_alpha"])).max() < 0.02
        values = after.parameters.set_index("name")["value"]
        at = [PERIODS // BUCKETS * bucket + PERIODS // BUCKETS // 2 for bucket in range(BUCKETS)]
        np.testing.assert_allclose(
            one.profile["log_alpha"].iloc[at], values[NAMES[:BUCKETS]], atol=5e-3
        )
        kept = [each.facts.drop(columns="gamma_share") for each in (before, after)]
        assert kept[0].equals(kept[1])


def test_one_symbol_alone_only_has_its_levels_smoothed():
    ((symbol, before),) = several(2, 1)
    (after,) = pool_symbols(((symbol, before),), PoolSettings(PERIODS))
    assert after.calibration.warnings.empty
    own = after.shrinkage.set_index("parameter")["own_weight"]
    assert (own[["level", "k", "beta", "theta", "gamma"]] == 1).all()
    assert after.calibration.parameters["value"].iloc[-1] == before.parameters["value"].iloc[-1]


def test_two_symbols_are_not_pooled_and_that_is_said():
    for one in pool_symbols(several(3, 2), PoolSettings(PERIODS)):
        # once, not for the law and for gamma
        assert one.calibration.warnings["code"].tolist() == ["not_pooled"]


def test_families_are_pooled_apart_and_a_gamma_set_to_zero_is_no_estimate():
    fitted = several(4, 10)
    changed = []
    for place, (symbol, one) in enumerate(fitted):
        facts = one.facts.assign(family="linear" if place >= 5 else "spread_power")
        value = one.parameters["value"].to_numpy().copy()
        if place >= 5:
            value[:BUCKETS] += 3.0
        if place == 7:
            value[-1] = 0.0
        changed.append(
            (
                symbol,
                Calibration(
                    one.parameters.assign(value=value),
                    one.covariance,
                    facts,
                    one.families,
                    one.sizes,
                    one.curve,
                    one.without,
                    one.warnings,
                    one.days,
                ),
            )
        )
    pooled = pool_symbols(tuple(changed), PoolSettings(PERIODS))
    level = [one.shrinkage.set_index("parameter").loc["level"] for one in pooled]
    assert [one["symbols"] for one in level] == [5] * 10
    assert level[9]["centre"] - level[0]["centre"] == pytest.approx(3, abs=0.3)
    gamma = [one.shrinkage.set_index("parameter").loc["gamma"] for one in pooled]
    assert gamma[0]["symbols"] == 9
    assert pooled[7].calibration.parameters["value"].iloc[-1] == 0.0


def test_a_fixed_parameter_stays_fixed():
    fitted = []
    for symbol, one in several(5):
        matrix = one.covariance[NAMES].to_numpy().copy()
        matrix[NAMES.index("beta")], matrix[:, NAMES.index("beta")] = 0.0, 0.0
        value = np.where(one.parameters["name"] == "beta", 0.0, one.parameters["value"])
        fitted.append(
            (
                symbol,
                Calibration(
                    one.parameters.assign(value=value),
                    pd.DataFrame(matrix, columns=NAMES).assign(name=NAMES),
                    one.facts,
                    one.families,
                    one.sizes,
                    one.curve,
                    one.without,
                    one.warnings,
                    one.days,
                ),
            )
        )
    for one in pool_symbols(tuple(fitted), PoolSettings(PERIODS)):
        beta = one.calibration.parameters.set_index("name").loc["beta"]
        assert beta["value"] == 0
        assert np.isnan(beta["standard_error"])


def test_pooling_does_not_lift_gamma_above_what_trades_move_at_once():
    given = list(several(5))
    symbol, first = given[0]
    unit = first.facts["volatility"] / first.facts["volume_shares"]
    facts = first.facts.assign(gamma_immediate=0.1 * unit, gamma_immediate_error=0.001 * unit)
    parameters, matrix = first.parameters.copy(), first.covariance.copy()
    parameters.loc[parameters.index[-1], ["value", "low"]] = [0.1 * unit[0], 0.0]
    matrix.loc[matrix.index[-1], "gamma"] *= 16  # a noisy one, drawn to the others
    given[0] = (symbol, replace(first, facts=facts, parameters=parameters, covariance=matrix))
    free, *_ = pool_symbols(
        ((symbol, replace(given[0][1], facts=facts.assign(gamma_immediate=np.nan))), *given[1:]),
        PoolSettings(PERIODS),
    )
    held, *others = pool_symbols(tuple(given), PoolSettings(PERIODS))
    loose, bound = (
        one.calibration.parameters.set_index("name").loc["gamma"] for one in (free, held)
    )
    assert loose["value"] > 0.15 * unit[0]
    assert bound["value"] == 0.1 * unit[0]
    assert 0 <= bound["low"] < bound["value"] < bound["high"] < 0.11 * unit[0]
    assert held.calibration.facts["gamma_share"].iloc[0] == 1.0
    assert "gamma_at_immediate" in held.calibration.warnings["code"].tolist()
    for one in others:
        row, fact = one.calibration.parameters.set_index("name").loc["gamma"], one.calibration.facts
        share = fact["gamma_share"].iloc[0]
        assert row["value"] == pytest.approx(
            share * fact["gamma_immediate"].iloc[0], rel=1e-9, abs=0
        )
        assert "gamma_at_immediate" not in one.calibration.warnings["code"].tolist()


def test_a_gamma_that_pooling_does_not_move_keeps_its_interval():
    given = several(6, 2)
    for (_, before), after in zip(given, pool_symbols(given, PoolSettings(PERIODS)), strict=True):
        ends = [
            one.parameters.iloc[-1][["low", "high"]].tolist() for one in (before, after.calibration)
        ]
        assert ends[0] == ends[1]


def days_of(
    rng: np.random.Generator, one: Calibration, shock: np.ndarray, own: float
) -> Calibration:
    """Add to errors what few days do: the level moves by a common shock and by its own."""
    shifts = np.column_stack([shock + own * rng.normal(size=len(shock)), np.zeros(len(shock))])
    responses = np.zeros((len(shock), 2, len(NAMES)))
    responses[:, 0, :BUCKETS] = responses[:, 1, BUCKETS] = 1 / len(shock)
    variance = np.diag(shifts.var(axis=0, ddof=1))
    table = pd.DataFrame(
        {
            "date": np.repeat([f"2025-01-{6 + day:02d}" for day in range(len(shock))], 2),
            "direction": np.tile(["level", "exponent"], len(shock)),
            "shift": shifts.ravel(),
            "dof": float(len(shock) - 1),
            "noise": 1e-6,
            "variance_level": np.tile(variance[:, 0], len(shock)),
            "variance_exponent": np.tile(variance[:, 1], len(shock)),
        }
    )
    table[NAMES] = responses.reshape(-1, len(NAMES))
    matrix = one.covariance[NAMES].to_numpy() + np.einsum(
        "drp,rs,dsq->pq", responses, variance, responses
    )
    parameters = one.parameters.assign(standard_error=np.sqrt(np.diag(matrix)), dof=5.0)
    covariance = pd.DataFrame(matrix, columns=NAMES).assign(name=NAMES)
    return replace(one, days=table, parameters=parameters, covariance=covariance)


def test_symbols_lend_each_other_their_days_and_what_is_common_stays():
    rng = np.random.default_rng(7)
    shock = 0.3 * rng.normal(size=5)
    symbols = tuple(
        (f"S{i}", days_of(rng, calibration(rng, 1.0, 0.02), shock, 0.05)) for i in range(8)
    )
    found = lent_days(symbols)
    level = [one.calibration.covariance["log_alpha_0"][0] for one in found]
    before = [one.covariance["log_alpha_0"][0] for _, one in symbols]
    assert np.std(level) < 0.7 * np.std(before)
    for one, (_, own) in zip(found, symbols, strict=True):
        matrix = one.calibration.covariance[NAMES].to_numpy()
        assert np.linalg.eigvalsh(matrix)[0] > -1e-15
        assert np.linalg.eigvalsh(matrix - one.common)[0] > -1e-15
        assert one.common[0, 0] == pytest.approx(shock.var(ddof=1) / 5, rel=0.3)
        assert one.calibration.parameters["value"].equals(own.parameters["value"])
    common = found[0].common[0, 0]
    for one in pool_symbols(symbols, PoolSettings(PERIODS)):
        table = one.calibration.parameters.set_index("name")
        assert (table["standard_error"][NAMES[:BUCKETS]] > 0.9 * np.sqrt(common)).all()
    alone = lent_days(symbols[:3])
    assert [one.calibration for one in alone] == [one for _, one in symbols[:3]]
