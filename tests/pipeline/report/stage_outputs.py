"""Made-up outputs of the stages for one symbol, of a session of 78 periods."""

import numpy as np
import pandas as pd

from pipeline.engine.config import AllocateConfig
from pipeline.engine.tables import Calibration, Forecast, Schedule

PERIODS = 78
SECONDS = 300
OPEN = pd.Timestamp("2025-02-03T14:30:00+00:00")  # 09:30 in New York
STARTS = [(OPEN + pd.Timedelta(seconds=SECONDS * i)).isoformat() for i in range(PERIODS)]
SIZES = np.array([100.0, 200, 500, 1000, 2000, 5000])
BUCKETS = 6
NO_WARNINGS = pd.DataFrame({"code": [], "message": []})


def smile(low: float) -> np.ndarray:
    """Return a U over the day with the given bottom, relative to its ends."""
    return low + (1 - low) * np.linspace(-1, 1, PERIODS) ** 2


def make_schedule(order: AllocateConfig) -> Schedule:
    volume = 60_000 * smile(0.35)
    weight = volume**1.4
    optimal = np.floor(order.shares * weight / weight.sum())
    optimal[-1] += order.shares - optimal.sum()
    plan = pd.DataFrame(
        {
            "period": np.arange(PERIODS),
            "start": STARTS,
            "sigma": 0.1 * smile(0.5),
            "volume": volume,
            "optimal": optimal,
            "nlp": order.shares * weight / weight.sum(),
            "dp": optimal,
            "twap": order.shares / PERIODS,
            "vwap": order.shares * volume / volume.sum(),
        }
    )
    solved = ("optimal", "nlp", "dp")
    cost = {"optimal": 2500.0, "nlp": 2499.5, "dp": 2500.0, "twap": 3000.0, "vwap": 2600.25}
    costs = pd.DataFrame(
        [
            {
                "method": name,
                "cost": value,
                "cost_bps": value / 100,
                "deviation": 8123.4,
                "deviation_bps": 81.234,
                "spread": 1000.0,
                "temporary": value - 1200,
                "permanent": 200.0,
                "drift": 0.0,
                "risk": 0.0,
                "traded": 1_000_000.0 + 200.0,
                "whole": 1_000_000.0 + value,
                "cost_error": 31.0,
                "saving_error": 2.5,
                "saving_reach": 4.9,
                "walked_twice": 1.5,
                "lower_bound": 2499.0 if name in solved else np.nan,
                "gap": 0.0 if name in solved else np.nan,
                "status": "OPTIMAL" if name in solved else "BENCHMARK",
            }
            for name, value in cost.items()
        ]
    )
    left = np.linspace(0, order.shares, 11)
    value = pd.DataFrame(
        [(i, s, 0.02 * s, np.nan if s == 0 else 0.02, s / 2) for i in range(PERIODS) for s in left],
        columns=["period", "left", "value", "marginal", "trade"],
    )
    risk_aversion = np.geomspace(1e-8, 1e-5, 7)
    frontier = pd.DataFrame(
        {
            "point": ["patient", "", "", "urgent", "", "", ""],
            "risk_aversion": risk_aversion,
            "cost": 2499.5 + 4e11 * risk_aversion**1.8,
            "over_mid": 2299.5 + 4e11 * risk_aversion**1.8,
            "deviation": 8200.0 / (1 + 3e5 * risk_aversion),
        }
    )
    nothing = pd.DataFrame(columns=["code", "message"])
    return Schedule(plan, costs, value, frontier, 0.0, 0, nothing)


def make_forecast(rng: np.random.Generator, days: int) -> Forecast:
    levels = {
        "volatility": 0.1 * smile(0.5),
        "volume": 60_000 * smile(0.35),
        "half_spread": 0.01 * smile(0.8),
        "depth": 2_000 * smile(1.5),
    }
    noise = {"volatility": 0.25, "volume": 0.5, "half_spread": 0.1, "depth": 0.2}
    frames = [
        pd.DataFrame(
            {
                "series": name,
                "date": f"2025-01-{27 + day}",
                "period": np.arange(PERIODS),
                "forecast": level,
                "baseline": level * np.exp(0.1 * rng.standard_normal(PERIODS)),
                "realized": level * np.exp(noise[name] * rng.standard_normal(PERIODS)),
                "low": 0.5 * level,
                "high": 2 * level,
            }
        )
        for name, level in levels.items()
        for day in range(days)
    ]
    states = pd.DataFrame({"date": "2025-01-31", "period": np.arange(PERIODS), "start": 0} | levels)
    scores = pd.DataFrame(
        [
            {
                "series": name,
                "origin": origin,
                "metric": "qlike" if name == "volatility" else "mse_log",
                "model": 0.18,
                "baseline": 0.24,
                "coverage": 0.91,
                "n": days * PERIODS,
                "candidates": "state_space",
            }
            for name in levels
            for origin in ("next period", "day ahead")
        ]
    )
    columns = ["series", "date", "period", "forecast", "baseline", "realized", "low", "high"]
    backtest = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    contest = pd.DataFrame(
        [
            {
                "series": name,
                "origin": origin,
                "candidate": candidate,
                "reason": "cumulative loss over 20 days",
                "loss": 0.18,
                "dm_p": 0.01,
                "mcs_p": 1.0,
                "n": days * PERIODS,
                "weight": float(candidate == "state_space"),
                "chosen": candidate == "state_space",
            }
            for name in levels
            for origin in ("next period", "day ahead")
            for candidate in ("state_space", "profile")
        ]
    )
    unfolding = pd.DataFrame(
        [
            {"series": name, "period": period, "updated": 0.2, "morning": 0.3, "days": days}
            for name in ("volatility", "volume")
            for period in (0, PERIODS // 2)
            if days
        ],
        columns=["series", "period", "updated", "morning", "days"],
    )
    totals = pd.DataFrame(
        [
            {"series": name, "expected": 1.0, "low": 0.5, "high": 2.0}
            for name in ("volatility", "volume")
        ]
    )
    ahead = states.assign(sigma=0.1)
    shape = pd.DataFrame(columns=["series", "date", "period", "forecast", "realized"])
    return Forecast(states, ahead, backtest, scores, contest, unfolding, totals, shape, NO_WARNINGS)


def make_calibration(rng: np.random.Generator) -> Calibration:
    names = [*(f"log_alpha_{b}" for b in range(BUCKETS)), "k", "beta", "theta", "gamma"]
    values = [*(np.log(3e-4) + 0.1 * np.array([2, 0, -1, -1, 0, 1])), 1.5234, 0.412, 0.87, 2.51e-7]
    errors = [*[0.0831] * BUCKETS, 0.0123, 0.071, 0.11, 3.2e-8]
    parameters = pd.DataFrame(
        {
            "name": names,
            "value": values,
            "standard_error": errors,
            "dof": 18.4,
            "low": np.array(values) - 1.96 * np.array(errors),
            "high": np.array(values) + 1.96 * np.array(errors),
            "bootstrap_error": np.array(errors) * 1.1,
            "profile_low": [np.nan] * BUCKETS + [1.49, 0.2, np.nan, np.nan],
            "profile_high": [np.nan] * BUCKETS + [1.56, np.inf, np.nan, np.nan],
            "unit": ["log(currency / share^k)"] * BUCKETS + ["1"] * 3 + ["currency / share^2"],
            "source": ["models.impact.book.cost_law.fit_law"] * 9
            + ["models.impact.flow.bounded.bounded_impact"],
        }
    )
    facts = pd.DataFrame(
        [
            {
                "family": "spread_power",
                "route": "book",
                "observations": 28_080,
                "excluded": 96,
                "clusters": 20,
                "deviance": 0.0412,
                "pseudo_r2": 0.873,
                "censored_share": 0.123,
                "flow_r2": 0.31,
                "flow_observations": 1560,
                "shown": 1000.0,
                "measured_to": 1.6,
                "walk_low": 0.31,
                "walk_high": 2.2,
                "asymmetry": 0.03,
                "asymmetry_error": 0.02,
                "volatility_slope": 0.97,
                "volatility_slope_error": 0.04,
                "volume_slope": 0.99,
                "volume_slope_error": 0.03,
                "gamma_estimator": "hasbrouck",
                "gamma_kyle": 3.1e-7,
                "gamma_kyle_error": 3e-8,
                "gamma_long_run": 2.51e-7,
                "gamma_long_run_error": 3.2e-8,
                "gamma_immediate": 5.02e-7,
                "gamma_immediate_error": 1.1e-8,
                "gamma_immediate_lag": 0.1,
                "gamma_share": 0.5,
                "gamma_share_low": 0.375,
                "gamma_share_high": 0.625,
                "gamma_state_gain": -0.0022,
                "gamma_state_gain_error": 0.0009,
                "gamma_state_spread": 1e-8,
                "gamma_state_depth": -4e-8,
                "gamma_state_beats": False,
                "refill_half_life": 7.7,
                "refill_half_life_upper": 9.1,
                "mid_move_slope": 0.71,
                "mid_move_estimate": 0.8,
                "mid_move_standard_error": 0.27,
                "mid_move_r2_out_of_sample": 0.006,
                "mid_move_r2_error": 0.004,
                "least_child": 100.0,
                "price": 100.0,
                "volatility": 0.08,
                "depth_shares": 1850.0,
                "volume_shares": 41_234.5,
            }
        ]
    )
    fitted = 3e-4 * SIZES**1.5234 * 1.4
    curve = pd.concat(
        [
            pd.DataFrame(
                {
                    "side": side,
                    "size": SIZES,
                    "observed": fitted * (1 + 0.05 * rng.standard_normal(len(SIZES))),
                    "fitted": fitted,
                    "censored": [0, 0, 0.02, 0.1, 0.45, 0.97],
                    "half_spread": 0.01,
                }
            )
            for side in (1, -1)
        ],
        ignore_index=True,
    )
    covariance = pd.DataFrame(np.diag(np.square(errors)), columns=names).assign(name=names)
    families = pd.DataFrame(
        {
            "family": ["spread_power", "power"],
            "k": [1.5234, 1.31],
            "k_error": [0.0123, 0.02],
            "deviance": [0.04, 0.07],
            "penalty": [12.0, 11.0],
            "criterion": [100.5, 180.25],
            "restriction": ["k is 1.5", "spread coefficient is 0"],
            "p_value": [0.03, 1e-9],
            "note": ["", ""],
            "selected": [True, False],
            "used": [True, False],
        }
    )
    sizes = pd.DataFrame(
        {
            "size": SIZES,
            "censored": [0, 0, 0.02, 0.19, 0.45, 0.97],
            "local_k": [np.nan, 1.8, 1.6, 1.5, 1.4, np.nan],
            "local_k_error": [np.nan, 0.04, 0.03, 0.02, 0.02, np.nan],
            "log_bias": [0, 0, 0, 0, -0.1, -0.3],
            "log_error": [0, 0, 0, 0, 0.12, 0.31],
        }
    )
    without = pd.DataFrame(0.01, index=range(2), columns=names)
    without.insert(0, "date", ["2025-01-30", "2025-01-31"])
    return Calibration(
        parameters, covariance, facts, families, sizes, curve, without, NO_WARNINGS, pd.DataFrame()
    )


def make_shrinkage(calibration: Calibration) -> pd.DataFrame:
    levels = calibration.parameters.iloc[:BUCKETS]
    own = pd.DataFrame(
        [
            {
                "parameter": "k",
                "estimate": 1.519,
                "estimate_error": 0.014,
                "pooled": 1.5234,
                "pooled_error": 0.0123,
                "own_weight": 0.8,
                "centre": 1.54,
                "between": 0.03,
                "effective_dof": 1.7,
                "symbols": 2,
            }
        ]
    )
    return pd.concat(
        [
            own,
            pd.DataFrame(
                {
                    "parameter": levels["name"],
                    "estimate": levels["value"],
                    "estimate_error": levels["standard_error"],
                    "pooled": levels["value"] * 0.99,
                    "pooled_error": 0.05,
                    "own_weight": 0.7,
                    "centre": -8.1,
                    "between": 0.1,
                    "effective_dof": 3.4,
                    "symbols": 1,
                }
            ),
        ],
        ignore_index=True,
    )
