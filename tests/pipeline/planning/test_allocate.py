"""An order planned from the parameter file by every route, looked up, windowed, and told."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.round_trips import cheapest, drawn, of_file
from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.planning.allocate import plan_from_file
from pipeline.planning.order import read_drift, stated_problem
from pipeline.planning.plan import planned_problem
from pipeline.planning.plan_text import report_text
from pipeline.planning.schedule import light, plan_order
from solver import evaluate, solve, value_function
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")


def order_of(**asked: object):
    return load_config(None, {"allocate": asked}).allocate


def allocate(small_run: SmallRun, *options: str):
    params = str(small_run.folder / "out/params.json")
    return impact("allocate", "--params", params, "--symbol", "SIM0", "--stale", *options)


def test_every_route_states_its_cost_under_the_law_itself(small_run: SmallRun) -> None:
    params = small_run.result.results.params
    order = order_of(shares=10_000, lot=100)
    plan = plan_order(params, "SIM0", order)
    stated = stated_problem(params, "SIM0", order)
    costs = plan.costs.set_index("method")
    for method in ("optimal", "nlp", "dp", "qp", "twap", "vwap"):
        x = plan.plan[method].to_numpy()
        assert x.sum() == pytest.approx(10_000)
        assert costs.loc[method, "cost"] == pytest.approx(evaluate(stated, x).shortfall, rel=1e-12)
    best = costs["cost"]
    assert best["nlp"] <= best["optimal"] == pytest.approx(best["dp"], rel=1e-12)
    assert best["optimal"] <= best["qp"] <= best["twap"]
    whole = stated.price * 10_000 + costs.loc["optimal", "cost"]
    assert costs.loc["optimal", "whole"] == pytest.approx(whole, rel=1e-12)
    law = params.symbols["SIM0"].law
    assert costs.loc["optimal", "permanent"] == pytest.approx(law.gamma * 10_000**2 / 2, rel=1e-9)


def test_the_value_function_on_file_is_the_solvers(small_run: SmallRun, tmp_path: Path) -> None:
    path = tmp_path / "value.parquet"
    options = ("--shares", "4000", "--lot", "100", "--start", "15:00")
    done = allocate(small_run, *options, "--value-function", str(path))
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(path).set_index(["period", "left"])
    order = order_of(shares=4000, lot=100, start="15:00")
    stated = stated_problem(small_run.result.results.params, "SIM0", order)
    found = value_function(stated)
    first = 390 - stated.n
    assert table.loc[(first, 4000.0), "value"] == found.value(0, 40)
    for place in (1, stated.n // 2, stated.n - 1):
        for lots in (1, 20, 40):
            value, row = found.value(place, lots), (first + place, 100.0 * lots)
            assert (row in table.index) == np.isfinite(value)
            if np.isfinite(value):
                assert table.loc[row, "value"] == value
                assert table.loc[row, "trade"] == 100 * found.trade(place, lots)
    left, traded = 4000.0, 0.0
    for period in range(first, 390):  # the policy looked up trades the order
        trade = table.loc[(period, left), "trade"]
        left, traded = left - trade, traded + trade
        if left == 0:
            break
    assert traded == 4000


def test_what_own_impact_may_charge_over_again_is_stated(small_run: SmallRun) -> None:
    params, order = small_run.result.results.params, order_of(shares=20_000, slices=2)
    plan = plan_order(params, "SIM0", order)
    x, gamma = plan.plan["optimal"].to_numpy(), params.symbols["SIM0"].law.gamma
    stated = plan.costs.set_index("method").loc["optimal", "walked_twice"]
    assert stated == pytest.approx(gamma * (x**2).sum() / (2 * 2), rel=1e-12)
    letter = plan_order(params, "SIM0", order_of(shares=20_000, own_impact="none"))
    assert (letter.costs["walked_twice"] == 0).all()


def test_no_exported_law_has_a_round_trip_that_earns(small_run: SmallRun) -> None:
    """The light form of `python -m benchmarks.round_trips`."""
    rng = np.random.default_rng(0)
    exported = of_file(str(small_run.folder / "out/params.json"))
    spreadless = [replace(case, spread=0.0) for case in exported]
    cases = [*exported, *spreadless, *(drawn(rng, index) for index in range(30))]
    assert min(cheapest(case, rng, 0.5) for case in cases) > 0
    assert min(cheapest(case, rng, 0.0) for case in cases) < 0  # the search finds what there is


def test_a_window_trades_in_it_alone(small_run: SmallRun) -> None:
    done = allocate(small_run, "--shares", "500", "--start", "14:00", "--end", "14:30", "--json")
    plan = json.loads(done.stdout)["plan"]
    assert [row["period"] for row in plan] == list(range(270, 300))
    assert sum(row["optimal"] for row in plan) == 500


def test_drift_comes_in_currency_in_bps_and_by_period(small_run: SmallRun, tmp_path: Path) -> None:
    params = small_run.result.results.params
    price = params.symbols["SIM0"].reference.price
    assert read_drift("0.39", params, "SIM0") == pytest.approx(0.001)
    assert read_drift("5bps", params, "SIM0") == pytest.approx(5e-4 * price / 390)
    table = pd.DataFrame({"i": range(390), "drift": np.linspace(0, 1e-3, 390)})
    table.to_csv(tmp_path / "drift.csv", index=False)
    read = read_drift(str(tmp_path / "drift.csv"), params, "SIM0")
    np.testing.assert_allclose(read, table["drift"])
    with pytest.raises(InputError, match="neither a number"):
        read_drift("up", params, "SIM0")
    early = plan_order(params, "SIM0", order_of(shares=10_000, drift="50bps"))
    still = plan_order(params, "SIM0", order_of(shares=10_000))
    assert early.plan["optimal"][:100].sum() > still.plan["optimal"][:100].sum()


def test_what_is_said_carries_errors_and_the_whole_cost(small_run: SmallRun) -> None:
    params = small_run.result.results.params
    order = order_of(shares=10_000, plan="point")
    plan = plan_order(params, "SIM0", order)
    said = report_text("SIM0", order, light(plan))
    cost = plan.costs.set_index("method").loc["optimal"]
    assert f"s.e. {cost['cost_error']:,.2f} from the parameters" in said
    assert f"the order pays {cost['whole']:,.2f} in all" in said
    assert "drift assumed 0" in said
    level = plan.costs.assign(saving_error=1e9, saving_reach=2e9)
    decided = report_text("SIM0", order, light(replace(plan, costs=level)))
    assert "not told from TWAP" in decided


def test_a_saving_carries_the_error_that_past_days_give_it(small_run: SmallRun) -> None:
    """On days alike it is told from zero; not on days of which every second turned it over."""
    params, order = small_run.result.results.params, order_of(shares=10_000, plan="point")
    one = params.symbols["SIM0"]

    def told(signs: tuple[int, ...]) -> tuple[pd.Series, str]:
        joint = tuple(tuple(tuple(0.04 * sign * row) for row in np.eye(4)) for sign in signs)
        assert one.shape is not None
        shape = one.shape.model_copy(update={"days": len(signs), "joint": joint})
        symbols = params.symbols | {"SIM0": one.model_copy(update={"shape": shape})}
        plan = plan_order(params.model_copy(update={"symbols": symbols}), "SIM0", order)
        assert plan.scored_days == len(signs)
        return plan.costs.set_index("method").loc["twap"], report_text("SIM0", order, light(plan))

    alike, said = told((1, 1, 1, 1))
    assert "less than TWAP" in said
    assert "errors of the parameters and, by 4 scored days, of the forecasts" in said
    turned, unsure = told((1, -1, 1, -1))
    assert "not told from TWAP" in unsure
    assert turned["cost"] == alike["cost"]
    assert turned["saving_reach"] > turned["saving_error"] > 5 * alike["saving_error"]
    none, unknown = told((1,))
    assert "errors of the parameters, not of the forecasts" in unknown
    assert none["saving_error"] == pytest.approx(alike["saving_error"])


def test_robust_and_frontier_are_said(small_run: SmallRun) -> None:
    done = allocate(small_run, "--shares", "10000", "--robust", "2", "--frontier")
    assert done.returncode == 0, done.stderr
    assert "robust plan against errors of 2 standard errors" in done.stdout
    rows = done.stdout.split("frontier (continuous plans)\n")[1].splitlines()[1:]
    table = np.array([[float(cell.replace(",", "")) for cell in row.split()] for row in rows])
    assert (np.diff(table[:, 1]) >= 0).all()
    assert (np.diff(table[:, 3]) <= 0).all()


def test_a_corner_is_a_bet_that_must_be_asked_for(small_run: SmallRun) -> None:
    params = small_run.result.results.params
    one = params.symbols["SIM0"]
    law = one.law.model_copy(update={"k": 1.0})
    flat = params.model_copy(update={"symbols": {"SIM0": one.model_copy(update={"law": law})}})
    spread = plan_order(flat, "SIM0", order_of(shares=5000))
    np.testing.assert_array_equal(spread.plan["optimal"], spread.plan["twap"])
    assert "spread_evenly" in set(spread.warnings["code"])
    again = solve(planned_problem(flat, "SIM0", order_of(shares=5000))).x
    assert np.cumsum(again) == pytest.approx(np.cumsum(spread.plan["optimal"]), abs=0.51)
    point = plan_order(flat, "SIM0", order_of(shares=5000, plan="point"))
    assert point.plan["optimal"].max() > 10 * spread.plan["optimal"].max()


def test_a_file_of_version_1_is_refused_with_the_way_to_make_it_anew(
    small_run: SmallRun, tmp_path: Path
) -> None:
    content = json.loads((small_run.folder / "out/params.json").read_text())
    content["schema"] = "impact-params/1"
    (tmp_path / "old.json").write_text(json.dumps(content))
    asked = ("--params", str(tmp_path / "old.json"), "--symbol", "SIM0", "--shares", "10")
    refused(impact("allocate", *asked), "old.json", "impact-params/1", "impact run")
    content |= {"schema": "impact-params/2", "later": {"a key": "of another day"}}
    content["symbols"]["SIM0"]["liquidity_chain"] = {"levels": [1], "transition": [[1]]}
    (tmp_path / "old.json").write_text(json.dumps(content))
    assert impact("allocate", *asked, "--stale").returncode == 0


def test_the_letter_says_what_it_admits(small_run: SmallRun) -> None:
    params = small_run.result.results.params
    one = params.symbols["SIM0"]
    law = one.law.model_copy(update={"gamma": 100 * one.law.gamma})
    steep = params.model_copy(update={"symbols": {"SIM0": one.model_copy(update={"law": law})}})
    letter = plan_order(steep, "SIM0", order_of(shares=100_000, lot=100, own_impact="none"))
    assert {"nonconvex", "round_trip"} <= set(letter.warnings["code"])
    paid = plan_order(steep, "SIM0", order_of(shares=100_000, lot=100))
    assert not {"nonconvex", "round_trip", "not_proved_optimal"} & set(paid.warnings["code"])
    assert paid.plan["optimal"].max() < letter.plan["optimal"].max()


def test_a_plan_beyond_what_the_book_showed_says_so_and_carries_its_error(
    small_run: SmallRun,
) -> None:
    params = small_run.result.results.params
    order = order_of(shares=2000, start="15:00", slices=1, max_participation=1.0)
    plain = plan_order(params, "SIM0", order)
    assert plain.costs["extrapolation_error"].eq(0).all()
    assert "beyond_depth" not in set(plain.warnings["code"])
    largest = float(plain.plan["optimal"].max())
    reach = params.symbols["SIM0"].extrapolation
    assert reach is not None
    cut = reach.model_copy(
        update={
            "shown_shares": largest / 2,
            "measured_to": 1.5,
            "errors": (reach.errors[0].model_copy(update={"multiple": 2.0, "log_error": 0.3}),),
        }
    )
    one = params.symbols["SIM0"].model_copy(update={"extrapolation": cut})
    short = params.model_copy(update={"symbols": params.symbols | {"SIM0": one}})
    far = plan_order(short, "SIM0", order)
    pd.testing.assert_frame_equal(far.plan, plain.plan)
    costs = far.costs.set_index("method")
    stated = stated_problem(short, "SIM0", order)
    x = far.plan["optimal"].to_numpy()
    _, scale, exponent = stated.law_rows
    off = 0.3 * np.log(np.maximum(2 * x / largest, 1)) / np.log(2)
    expected = float((scale * x**exponent * off).sum())
    assert expected > 0
    assert costs.loc["optimal", "extrapolation_error"] == pytest.approx(expected)
    message = far.warnings.set_index("code").loc["beyond_depth", "message"]
    assert f"the {largest / 2:,.10g} shares that the book held 80 % of the time" in message
    assert "up to 2 times: the standard error of their temporary cost is 30% at" in message
    assert "it was checked up to 1.5 times" in message
    assert f"{expected:,.2f} beyond what the book showed" in report_text("SIM0", order, light(far))


def changed(small_run: SmallRun, tmp_path: Path, symbol: dict, **root: object) -> tuple[str, ...]:
    """Write the run's file with keys of SIM0 and of the root replaced; return what allocates."""
    content = json.loads((small_run.folder / "out/params.json").read_text()) | root
    content["symbols"]["SIM0"] |= {"levels": None} | symbol  # which map all periods
    (tmp_path / "params.json").write_text(json.dumps(content))
    asked = ("--params", str(tmp_path / "params.json"), "--symbol", "SIM0", "--shares", "500")
    return ("allocate", "--stale", *asked)


def test_ten_of_390_periods_are_refused_and_a_tail_says_its_share(
    small_run: SmallRun, tmp_path: Path
) -> None:
    periods = json.loads((small_run.folder / "out/params.json").read_text())["symbols"]["SIM0"]
    periods = periods["periods"]
    for kept, said in (
        (periods[:10], "lists 10 of the session's 390 periods (i = 0 to 9)"),
        (periods[:200] + periods[201:], "lists 389 of the session's 390 periods (i = 0 to 389)"),
        (periods[380:385], "lists 5 of the session's 390 periods (i = 380 to 384)"),
        (periods[::-1], "lists 390 of the session's 390 periods (i = 389 to 0)"),
    ):
        refused(impact(*changed(small_run, tmp_path, {"periods": kept})), "symbol SIM0", said)
    valid = {"from": periods[351]["start"], "to": small_run.result.results.params.valid.end}
    rest = impact(*changed(small_run, tmp_path, {"periods": periods[351:]}, valid=valid))
    assert rest.returncode == 0, rest.stderr
    assert "part_of_session: the file holds 39 of the session's 390 periods, 10%" in rest.stdout
    assert "from 15:21 on" in rest.stdout
    half = {"from": periods[0]["start"], "to": periods[210]["start"]}  # as on a half day
    early = impact(*changed(small_run, tmp_path, {"periods": periods[:210]}, valid=half))
    assert early.returncode == 0, early.stderr
    assert "part_of_session" not in early.stdout


def test_a_file_of_another_date_says_so_and_an_expired_one_is_refused(small_run: SmallRun) -> None:
    params = small_run.result.results.params  # of 2025-01-10, 09:30 to 16:00
    order = order_of(shares=500)
    assert params.valid.expires == "2025-01-15T21:00:00+00:00"  # the third session after it
    assert params.valid.after == "refuse"

    def codes(now: str, stale: bool = False) -> dict[str, str]:
        moment = datetime.fromisoformat(now)
        said = plan_from_file(params, "SIM0", order, moment, stale).warnings
        about = ("another_date", "part_of_session")
        return {code: message for code, message in said if code in about}

    assert codes("2025-01-10T10:00:00-05:00") == {}
    assert codes("2025-01-09T18:00:00-05:00") == {}  # the evening before
    assert list(codes("2025-01-15T15:59:59-05:00")) == ["another_date"]
    with pytest.raises(InputError, match=r"expired at 2025-01-15T21:00:00.*--stale"):
        codes("2025-01-15T16:00:00-05:00")
    old = codes("2025-01-20T16:00:00-05:00", stale=True)
    assert list(old) == ["another_date"]
    assert (
        "for the session of 2025-01-10 09:30 to 16:00 America/New_York, 10 days ago"
        in old["another_date"]
    )
    with pytest.raises(InputError, match="more than 7 days ahead"):
        codes("2025-01-02T09:30:00-05:00")
    assert "in 8 days" in codes("2025-01-02T09:30:00-05:00", stale=True)["another_date"]


def test_a_time_without_an_offset_is_refused_in_the_file(
    small_run: SmallRun, tmp_path: Path
) -> None:
    valid = {"from": "2025-01-09T14:30:00+00:00", "to": "2025-01-09T21:00:00"}
    done = impact(*changed(small_run, tmp_path, {}, valid=valid))
    refused(done, "params.json: valid.to", "the offset is missing")


def test_a_total_that_may_come_small_is_warned_of(small_run: SmallRun) -> None:
    """The cap holds of what is forecast: at the interval's lower end the order would be 31 %."""
    params = small_run.result.results.params
    one = params.symbols["SIM0"]
    forecast = sum(period.volume for period in one.periods)
    shares = int(0.155 * forecast)
    assert one.volume_total is not None
    assert one.volume_total.expected == pytest.approx(forecast)

    def codes(low: float, asked: int) -> dict[str, str]:
        total = one.volume_total.model_copy(update={"interval": (low * forecast, 2 * forecast)})
        told = one.model_copy(update={"volume_total": total})
        changed = params.model_copy(update={"symbols": params.symbols | {"SIM0": told}})
        order = order_of(shares=asked, lot=1, method="nlp")
        return dict(plan_order(changed, "SIM0", order).warnings.to_numpy().tolist())

    assert "31% of it then" in codes(0.5, shares)["participation_uncertain"]
    assert "perhaps without any trade" in codes(0.0, shares)["participation_uncertain"]
    assert "participation_uncertain" not in codes(0.9, shares)
    assert "participation_uncertain" not in codes(0.5, int(0.09 * forecast))
