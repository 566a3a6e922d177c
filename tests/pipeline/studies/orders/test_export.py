"""From orders to `params.json` to `allocate`: the law comes out as it was planted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.simulated_orders import BY_SIZE
from models.impact.orders import Almgren
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.parameters.schema import Params, dump_params, params_of
from pipeline.studies.orders.export import params_of_orders
from pipeline.studies.orders.profile import read_profile
from pipeline.studies.orders.route import OrderCalibration, OrdersRequest, calibrate_orders
from solver import OrderTerms, evaluate, from_params, uncertainty_of
from tests.pipeline.command import impact, refused

DAY, NOISE = 23_400, 1e-7
LAW = Almgren.by_rate(0.3, 0.15, 0.6)
PRICE, ADV, SIGMA, OUTSTANDING = 50.0, 2e6, 0.02, 4e8


def book(folder: Path, law: Almgren = LAW, n: int = 240) -> str:
    """Write orders in two symbols that obey the law almost without noise, and their fills."""
    rng = np.random.default_rng(1)
    start = pd.to_datetime("2025-01-06 14:30", utc=True) + pd.to_timedelta(
        rng.choice([0, 1, 2, 3, 4, 7, 8, 9, 10, 11], n), unit="D"
    )
    size, sign = np.exp(rng.uniform(-6, -2, n)), rng.choice([-1, 1], n)
    quantity = np.round(size * ADV)
    seconds = np.round(rng.uniform(0.05, 0.6, n) * DAY)
    turnover = np.full(n, OUTSTANDING / ADV)
    state = (sign * quantity / ADV, np.full(n, SIGMA))
    permanent = law.permanent(*state, turnover) + NOISE * rng.standard_normal(n)
    paid = permanent / 2 + law.temporary(*state, seconds / DAY) + NOISE * rng.standard_normal(n)
    ids = [f"o{at}" for at in range(n)]
    orders = pd.DataFrame(
        {
            "order_id": ids,
            "symbol": np.where(np.arange(n) % 2, "AAA", "BBB"),
            "side": np.where(sign > 0, "BUY", "SELL"),
            "quantity": quantity,
            "start": start,
            "end": start + pd.to_timedelta(seconds, unit="s"),
            "arrival_price": PRICE,
            "adv": ADV,
            "volatility": SIGMA,
            "shares_outstanding": OUTSTANDING,
            "post_price": PRICE * (1 + permanent),
            "post_time": start + pd.to_timedelta(seconds + 600, unit="s"),
        }
    )
    fills = pd.DataFrame(
        {
            "order_id": ids,
            "time": orders["end"],
            "quantity": quantity,
            "price": PRICE * (1 + paid),
        }
    )
    orders.to_csv(folder / "orders.csv", index=False)
    fills.to_csv(folder / "fills.csv", index=False)
    return str(folder)


def exported(folder: str, profile: str | None = None) -> tuple[OrderCalibration, Params]:
    found = calibrate_orders(OrdersRequest("fills", folder, None, 0, 0))
    calendar = SessionCalendar("XNYS", 300)
    day = str(found.sample.levels["date"].max())
    return found, params_of_orders(found, calendar, read_profile(profile, calendar, day), "hash")


def cost_bps(params: Params, shares: float, window: tuple[str, str] | None = None) -> float:
    """Return what an even schedule of the file's problem costs, bps of the order."""
    content = json.loads(dump_params(params))
    terms = OrderTerms(start=window[0], end=window[1]) if window else OrderTerms()
    problem = from_params(content, "AAA", shares, terms)
    even = np.full(problem.n, shares / problem.n)
    return 1e4 * evaluate(problem, even).shortfall / (PRICE * shares)


def test_an_even_plan_costs_what_the_law_says_of_the_whole_order(tmp_path: Path) -> None:
    found, params = exported(book(tmp_path))
    assert found.fits[0].form.duration == "rate"
    turnover = np.array([OUTSTANDING / ADV])
    for share, hours, window in ((0.05, 6.5, None), (0.02, 2.0, ("10:00", "12:00"))):
        args = (np.array([share]), np.array([SIGMA]), np.array([hours / 6.5]), turnover)
        expected = LAW.impact_bps(*args)[1][0]
        assert cost_bps(params, share * ADV, window) == pytest.approx(expected, rel=1e-3)
    one = params.symbols["AAA"]
    assert one.law.k == pytest.approx(1.6, rel=1e-4)
    sigma = np.array([period.sigma for period in one.periods])
    assert np.sum(sigma**2) == pytest.approx((PRICE * SIGMA) ** 2)
    assert sum(period.volume for period in one.periods) == pytest.approx(ADV)
    assert params.valid.start == "2025-01-21T14:30:00+00:00"  # the 20th is a holiday


def test_the_file_says_what_it_does_not_know_and_how_sure_it_is(tmp_path: Path) -> None:
    found, params = exported(book(tmp_path))
    one = params.symbols["BBB"]
    assert one.profile is not None
    assert (one.profile.volume, one.profile.sigma, one.profile.source) == ("flat",) * 3
    assert {"profile_flat", "not_known_by_orders"} <= {each.code for each in one.warnings}
    assert all(period.volatility_interval is None for period in one.periods)
    assert one.standard_errors["beta"] is None
    error = found.fits[0].covariance.standard_errors
    assert one.standard_errors["k"] == pytest.approx(error[2])
    assert one.order_law is not None
    assert one.order_law.covariance.matrix[1][1] == pytest.approx(error[1] ** 2)
    content = json.loads(dump_params(params))
    assert params_of(content, "file") == params
    assert uncertainty_of(content, "AAA").covariance.shape == (3, 3)


def test_a_profile_shares_the_day_out_and_keeps_its_totals(tmp_path: Path) -> None:
    folder = book(tmp_path)
    u = np.linspace(-1, 1, 78)
    table = pd.DataFrame({"i": range(78), "volume": 1 + u**2, "volatility": 2 - 0.5 * u})
    path = str(tmp_path / "profile.csv")
    table.to_csv(path, index=False)
    _, params = exported(folder, path)
    one = params.symbols["AAA"]
    volume = np.array([period.volume for period in one.periods])
    assert volume == pytest.approx(ADV * (1 + u**2) / (1 + u**2).sum())
    scale = np.array([period.alpha * period.liquidity for period in one.periods])
    eta, day = PRICE * SIGMA * 0.15, 1 / 78
    assert scale * volume**0.6 == pytest.approx(np.full(78, eta), rel=1e-3)  # x at rate x / V_i
    assert np.mean([period.liquidity for period in one.periods]) == pytest.approx(1.0)
    assert day * volume.sum() == pytest.approx(one.reference.volume_shares)
    again = tmp_path / "params.json"
    again.write_bytes(dump_params(params))
    _, by_tape = exported(folder, str(again))
    assert [period.volume for period in by_tape.symbols["AAA"].periods] == pytest.approx(volume)
    table.iloc[:77].to_csv(path, index=False)
    with pytest.raises(InputError, match="i = 0 to 77; it has 77"):
        exported(folder, path)


def test_cost_by_size_is_told_and_right_at_the_samples_duration(tmp_path: Path) -> None:
    found, params = exported(book(tmp_path, BY_SIZE))
    assert found.fits[0].form.duration == "size"
    one = params.symbols["AAA"]
    assert "cost_not_by_rate" in {each.code for each in one.warnings}
    reach = float(np.median(found.sample.orders.duration))
    x = 0.03 * ADV / (78 * reach)  # a period's shares of an even order of that duration
    scale = one.periods[0].alpha
    told = 1e4 * scale * x**0.5 / PRICE
    assert told == pytest.approx(1e4 * SIGMA * BY_SIZE.eta * 0.03**0.5, rel=1e-3)


def test_a_sample_without_cost_or_of_another_day_is_refused(tmp_path: Path) -> None:
    found, _ = exported(book(tmp_path))
    fit = replace(found.fits[0], law=Almgren.by_rate(0.3, -0.1, 0.6))
    calendar = SessionCalendar("XNYS", 300)
    flat = read_profile(None, calendar, "2025-01-17")
    with pytest.raises(InputError, match=r"eta is -0\.1"):
        params_of_orders(replace(found, fits=(fit, fit)), calendar, flat, "")
    with pytest.raises(InputError, match="a session of 24/7 has 86,400 s"):
        params_of_orders(found, SessionCalendar("24/7", 300), flat, "")


def test_one_command_fits_and_writes_and_the_next_plans(tmp_path: Path) -> None:
    folder, path = book(tmp_path), str(tmp_path / "made/params.json")
    done = impact(
        "calibrate", "--route", "orders", "--source", "fills", "--data", folder, "--bootstrap", "0",
        "--export", path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 symbols, 390 periods of 60 s" in done.stdout
    planned = impact("allocate", "--params", path, "--symbol", "AAA", "--shares", "39000", "--json")
    assert planned.returncode == 0, planned.stderr
    told = json.loads(planned.stdout)
    cost = {row["method"]: row for row in told["costs"]}["optimal"]
    args = (np.array([39_000 / ADV]), np.array([SIGMA]), np.ones(1), np.array([OUTSTANDING / ADV]))
    assert cost["cost_bps"] == pytest.approx(LAW.impact_bps(*args)[1][0], rel=1e-3)
    assert cost["cost_error"] is not None
    refused(
        impact("calibrate", "--route", "orders", "--source", "fills", "--data", folder,
               "--profile", path),
        "--profile is of --export",
    )  # fmt: skip
