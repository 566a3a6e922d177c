"""The sheet of a replay: tables that add up, benchmarks by hand, a page that holds every figure."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import Session
from pipeline.engine.store import check_folder, write_folder
from pipeline.parameters.schema import read_params
from pipeline.parameters.sections import MidMoveSection
from pipeline.planning.order import stated_problem
from pipeline.planning.schedule import plan_order
from pipeline.replay.depletion import Holes
from pipeline.replay.evidence import evidence
from pipeline.replay.loop import Accounting
from pipeline.replay.replay import NO_PRINTS, Contest, Prints, replay
from pipeline.replay.replay_text import policy_figures, report_text
from pipeline.replay.request import ReplayRequest
from pipeline.replay.sheet.benchmarks import ToldCost, prices_of, slippage, told_cost
from pipeline.replay.sheet.page import render
from pipeline.replay.sheet.picture import plot_sheet
from pipeline.replay.sheet.sheet import Sheet, make_sheet
from pipeline.replay.sheet.tables import sheet_tables
from pipeline.replay.side_tape import SideTape
from pipeline.replay.study import ReplayResult
from solver import cost_interval, uncertainty_of
from solver.execution import (
    Child,
    Learning,
    Policy,
    PooledSupply,
    Scheduled,
    Seen,
    TakeOrWait,
    Threshold,
)
from tests.pipeline.conftest import SmallRun
from tests.pipeline.replay.markets import BAND, Order, clock, ns, order, random_book, work
from tests.pipeline.replay.test_replay import ROWS, made_tape
from tests.pipeline.report.html_page import find_rows, parse

TOLD = ToldCost(cost=120.0, error=6.0)
SESSION = Session("2023-11-14", ns(-7200), ns(86400), "America/New_York")
MID_MOVE = MidMoveSection(
    horizon_seconds=30, slope=0.6, estimate=0.8, standard_error=0.4, r2_out_of_sample=0.009,
    r2_error=0.005,
)  # fmt: skip
ACCOUNTINGS = {"by_price": Accounting(Holes), "shown_depth": Accounting(Holes, clipped=True)}


def replayed(
    made: Order,
    policies: dict[str, Policy | Learning],
    prints: Prints = NO_PRINTS,
    session: Session = SESSION,
) -> ReplayResult:
    """Replay an order of the tests as the command does."""
    stage = made.stage
    played, path = replay([made.tape], [Contest(stage, policies, ACCOUNTINGS, BAND)])
    asked = AllocateConfig(
        shares=round(stage.shares), side="buy" if stage.sign > 0 else "sell", max_participation=1.0
    )
    request = ReplayRequest("params.json", "ABC", asked, tuple(policies), band=BAND.slack)
    levels = made.tape.shown
    span = stage.clock.start, stage.clock.end
    return ReplayResult(request, session, span, None, MID_MOVE, levels, tuple(played), path, prints)


def made_sheet(done: ReplayResult, told: ToldCost = TOLD) -> Sheet:
    return make_sheet(done, evidence([done]), told)


@pytest.fixture(params=[1, -1], ids=["buy", "sell"])
def wandering(request: pytest.FixtureRequest) -> ReplayResult:
    """Return three policies' replay on a book that wanders, with trades of the market."""
    ts, book = random_book(9_000, 3)
    prints = Prints(ts[::7], book.ask_px[::7, 0], book.ask_sz[::7, 0])
    when = clock(900.0, latency=0.1)
    made = order(SideTape.of(ts, book, request.param), 3_000.0, when, prints)
    policies = {
        "rule": PooledSupply(),
        "threshold:20": Threshold(0.2),
        "twap": Scheduled.even(made.moments),
    }
    return replayed(made, policies, prints)


def test_tables_add_up(wandering: ReplayResult) -> None:
    made, shares = sheet_tables(wandering), wandering.request.order.shares
    moments = made.moments
    assert len(moments) == wandering.played[0].stage.moments
    for name in wandering.names:
        run = wandering.played[0].done[name, "by_price"]
        orders = made.orders[made.orders["policy"] == name]
        fills = made.fills[made.fills["policy"] == name]
        filled = moments[f"filled_so_far_{name}"]
        total = fills["shares"].sum()
        assert total == orders["filled"].sum() == fills["filled_so_far"].iloc[-1]
        assert total == filled.iloc[-1] == shares
        walk = float(fills["shares"] @ fills["over_mid_bps"]) / shares
        assert walk == pytest.approx(run.parts.over_mid, abs=1e-9)
        over = run.fills.shares @ (fills["price"] - fills["predicted_mid"])
        arrival, sign = wandering.played[0].books.arrival, wandering.request.sign
        told = policy_figures(wandering, name)["walk_over_predicted_mid_bps"]
        assert told == pytest.approx(1e4 * sign * over / (shares * arrival), abs=1e-9)
        assert abs(told - walk) > 1e-3
        assert (filled.diff().dropna() >= 0).all()
        assert (moments["band_low"] <= filled).all()
        assert (filled <= moments["band_high"]).all()
        joined = orders.merge(fills, on="moment", suffixes=("", "_fill"))
        assert joined["filled"].tolist() == joined["shares_fill"].tolist() == list(run.fills.shares)
        later = pd.to_datetime(joined["time_fill"]) - pd.to_datetime(joined["time"])
        assert (later == pd.Timedelta(milliseconds=100)).all()
        assert orders["time"].tolist() == moments["time"][orders["moment"]].tolist()


@dataclass
class Heard:
    """A policy whose every answer is written down, also between two lessons."""

    policy: Policy | Learning
    told: dict[int, float] = field(default_factory=dict)

    def decide(self, seen: Seen) -> Child:
        if isinstance(self.policy, Learning):
            if seen.moment % self.policy.every == 0:
                self.learned = self.policy.learned(seen)
            child = self.learned.decide(seen)
        else:
            child = self.policy.decide(seen)
        self.told[seen.moment] = child.limit
        return child


@pytest.mark.parametrize("sign", [1, -1])
def test_what_waiting_was_worth_is_what_the_policy_told_at_the_moment(sign: int) -> None:
    ts, book = random_book(9_000, 3)
    made = order(SideTape.of(ts, book, sign), 3_000.0, clock(900.0, latency=0.1))
    policies = {
        "moment": TakeOrWait(every=10),
        "rule": PooledSupply(),
        "threshold:20": Threshold(0.2),
    }
    done = replayed(made, policies | {"twap": Scheduled.even(made.moments)})
    tables = sheet_tables(done)
    assert "marginal_value_bps_twap" not in tables.moments
    for name, policy in policies.items():
        heard = Heard(policy)
        work(made, heard)
        told = np.full(made.moments, np.inf)
        told[list(heard.told)] = list(heard.told.values())
        known = np.isfinite(told)
        assert known.sum() > made.moments / 2
        unit = 1e4 / done.played[0].books.arrival
        found = tables.moments[f"marginal_value_bps_{name}"].to_numpy()
        assert found[known] == pytest.approx(unit * told[known], rel=1e-12)
        assert np.isnan(found[~known]).all()
        sent = tables.orders[(tables.orders["policy"] == name) & (tables.orders["filled"] > 0)]
        fills = tables.fills[tables.fills["policy"] == name].set_index("moment")
        free = sent.loc[sent["must"] == 0, "moment"].to_numpy()  # no band forced them
        assert len(free) > 3
        mid = tables.moments["mid"].to_numpy()[free]  # as it was seen
        paid = unit * sign * (fills.loc[free, "price"].to_numpy() - mid)
        assert (paid <= found[free] + 1e-6).all()  # below the line


def test_moments_by_hand() -> None:
    prints = Prints(np.array([ns(0), ns(5), ns(10)]), np.full(3, 100.0), np.array([7.0, 8.0, 9.0]))
    made = order(made_tape(ROWS, 1), 160.0, clock(40.0), prints)
    done = replayed(made, {"twap": Scheduled.even(4)}, prints)
    found = sheet_tables(done).moments
    # an even child is 40: 30 at 101 and 10 at 102, over a mid of 100; the halt shows nothing
    unit, gone = 1e4 / 100, np.nan
    assert found["time"].iloc[1] == "2023-11-14T22:13:30.000000000Z"
    assert found["mid"].to_numpy() == pytest.approx([100, 100, 100, gone], nan_ok=True)
    spread = [2 * unit, 2 * unit, 2 * unit, gone]
    assert found["spread_bps"].to_numpy() == pytest.approx(spread, nan_ok=True)
    even = [1.25 * unit, 1.25 * unit, 1.25 * unit, gone]
    assert found["even_child_bps"].to_numpy() == pytest.approx(even, nan_ok=True)
    assert found["best_size"].to_numpy() == pytest.approx([30, 30, 30, gone], nan_ok=True)
    assert found["band_low"].tolist() == [24, 64, 104, 160]  # a tenth of 160 around 40, 80, 120
    assert found["band_high"].tolist() == [56, 96, 136, 160]
    assert found["market_volume"].tolist() == [0, 17, 17, 17]
    assert found["filled_so_far_twap"].tolist() == [40, 80, 120, 120]


def test_benchmarks_by_hand() -> None:
    ts = np.array([ns(-1), ns(0), ns(4), ns(16), ns(40)])
    prints = Prints(ts, np.array([1.0, 99.0, 101.0, 103.0, 1.0]), np.array([9.0, 1.0, 2.0, 1.0, 9]))
    made = order(made_tape(ROWS, 1), 80.0, clock(40.0), prints)
    with_break = replace(SESSION, breaks=((ns(19), ns(23)),))
    done = replayed(made, {"twap": Scheduled.even(4)}, prints, with_break)
    prices = prices_of(done, done.played[0])
    # mid 100 for 15 s, 101 for 3 s, 100 for 7 s of which 4 are the break's, then a halt
    assert prices.arrival == 100.0
    assert prices.twap == pytest.approx((18 * 100 + 3 * 101) / 21)
    assert prices.vwap == pytest.approx((99 + 2 * 101 + 103) / 4)
    assert prices.close == 100.0
    run = done.played[0].done["twap", "by_price"]
    assert run.fills.shares.sum() == 60
    found = slippage(done, TOLD)["twap"]
    mean = float(run.fills.shares @ run.fills.price) / 60
    assert found["arrival"] == pytest.approx(1e4 * (mean - 100) / 100)
    assert found["vwap"] == pytest.approx(1e4 * (mean - 101) / 100)
    assert np.isnan(found["told"])  # 20 stayed unfilled: what the order would have cost is not seen


def test_slippage_is_what_the_parts_say(wandering: ReplayResult) -> None:
    played = wandering.played[0]
    for name, found in slippage(wandering, TOLD).items():
        parts = played.done[name, "by_price"].parts
        assert found["arrival"] == pytest.approx(parts.over_mid + parts.drift, abs=1e-9)
        told = 1e4 * TOLD.cost / (3_000 * played.books.arrival)
        assert found["told"] == pytest.approx(parts.over_mid - told)
    two = replace(wandering, played=(played, played))
    assert slippage(two, TOLD) == slippage(wandering, TOLD)


@pytest.mark.xdist_group("end_to_end")
def test_told_cost_is_the_plans_without_permanent_impact(small_run: SmallRun) -> None:
    params = read_params(str(small_run.folder / "out/params.json"))
    asked = AllocateConfig(shares=2_000)
    told = told_cost(params, "SIM0", asked)
    plan = plan_order(params, "SIM0", asked)
    best = plan.costs.set_index("method").loc["optimal"]
    assert told.cost == pytest.approx(best["spread"] + best["temporary"])
    moveless = replace(stated_problem(params, "SIM0", asked), permanent=0.0)
    known = uncertainty_of(params.model_dump(by_alias=True), "SIM0")
    shares = plan.plan["optimal"].to_numpy()
    assert told.error == pytest.approx(cost_interval(moveless, shares, known).error)
    assert told.error > 0
    assert told.note == ""
    section = params.symbols["SIM0"]
    matrix = tuple(tuple(0.0 for _ in row) for row in section.covariance.matrix)
    sure = section.model_copy(
        update={"covariance": section.covariance.model_copy(update={"matrix": matrix})}
    )
    unknown = told_cost(params.model_copy(update={"symbols": {"SIM0": sure}}), "SIM0", asked)
    assert unknown.cost == told.cost
    assert np.isnan(unknown.error)
    assert "no error" in unknown.note
    refused = told_cost(params, "SIM0", AllocateConfig(shares=10**9))
    assert np.isnan(refused.cost)
    assert refused.note.startswith("no plan: ")


def test_page_has_the_picture_and_every_figure(wandering: ReplayResult) -> None:
    sheet = made_sheet(wandering)
    content, page = sheet.content, parse(render(wandering, sheet))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("svg") == 1
    assert not {"script", "link", "img"} & set(tags)  # nothing from outside
    for text in ("Price, currency a share", "Filled, rule", "Paid, twap", "Shares filled", "Band"):
        assert text in page.text
    assert "Value of waiting, bps over mid" in page.text
    cells = {cell for table in page.tables for row in table for cell in row}
    for one in [content, *content["beside"]]:
        rows = find_rows(page, one["policy"])
        against = one.get("against_twap")
        assert len(rows) == (5 if against else 4)
        assert (against is None) == (one["policy"] == "twap")
        values = [] if against is None else [against["error_bps"], against["walk_difference_bps"]]
        values += [one["walk_bps"], one["shortfall_bps"], one["shown_depth"]["walk_bps"]]
        values += [one["walk_over_predicted_mid_bps"]]
        for group in ("parts_bps", "slippage_bps", "markouts_bps"):
            values += one[group].values()
        written = {cell for row in rows for cell in row}
        for value in values:
            text = "–" if value is None else f"{value:,.3f}".replace("-", "−")
            assert text in written
    for price in content["benchmark_prices"].values():
        assert f"{price:,.4f}" in cells
    told = content["told"]
    assert f"{told['walk_bps']:.3f} ± {told['error_bps']:.3f}" in cells
    assert told["error_bps"] == pytest.approx(told["walk_bps"] * 6 / 120)
    unsure = replace(TOLD, error=np.nan, note="the file knows no error")
    other = made_sheet(wandering, unsure)
    assert json.loads(json.dumps(other.content, allow_nan=False))["told"]["error_bps"] is None
    assert "the file knows no error" in parse(render(wandering, other)).text


def test_what_the_file_does_not_know_predicts_nothing(wandering: ReplayResult) -> None:
    for mid_move, told in ((None, np.nan), (MID_MOVE.model_copy(update={"slope": 0.0}), 1.0)):
        done = replace(wandering, mid_move=mid_move)
        for name in done.names:
            found = policy_figures(done, name)
            expected = told * found["walk_bps"]
            assert found["walk_over_predicted_mid_bps"] == pytest.approx(expected, nan_ok=True)
        assert "predicted mid" in report_text(done, {})


def test_an_order_that_is_not_filled_has_a_page() -> None:
    rows = [ROWS[0], (0.5, *ROWS[-1][1:])]  # a halt before the first fill
    done = replayed(order(made_tape(rows, 1), 80.0, clock(40.0)), {"twap": Scheduled.even(4)})
    sheet = made_sheet(done)
    content, tables = sheet.content, sheet.tables
    assert (content["filled"], len(tables.fills), tables.orders["filled"].sum()) == (0, 0, 0)
    assert set(content["slippage_bps"].values()) == {None}
    page = parse(render(done, sheet))
    assert "Value of waiting" not in page.text
    assert find_rows(page, "twap")[1] == ["twap", "–", "–", "–", "–", "–"]


def test_a_dear_fill_is_shown_above_the_axis() -> None:
    ts, book = random_book(9_000, 3)
    wide = book.ask_px.copy()
    wide[7_200:7_202] += 5.0  # at the order's first moment and its fill
    tape = SideTape.of(ts, replace(book, ask_px=wide), 1)
    made = order(tape, 3_000.0, clock(900.0, interval=1.0, latency=0.1))
    done = replayed(made, {"twap": Scheduled.even(made.moments)})
    sheet = made_sheet(done)
    first = sheet.tables.fills.iloc[0]
    said = f"{first['shares']:,.0f} at {first['over_mid_bps']:.1f} bps"
    assert said in parse(render(done, sheet)).text


def test_the_line_is_readable_whatever_the_policy_told() -> None:
    ts, book = random_book(9_000, 3)
    made = order(SideTape.of(ts, book, 1), 3_000.0, clock(900.0, latency=0.1))
    done = replayed(made, {"rule": PooledSupply(), "twap": Scheduled.even(made.moments)})
    run = done.played[0].done["rule", "by_price"]
    for value in (np.nan, 0.0, 1e6):
        run.marginal_value[1:] = value
        run.marginal_value[0] = 0.01
        panel = plot_sheet(done, sheet_tables(done), ("rule", "twap")).axes[2]
        low, high = panel.get_ylim()
        assert low == 0
        assert 0 < high < 100
    assert len(plot_sheet(done, sheet_tables(done), ("twap",)).axes) == 3


def test_a_folder_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new/sheet"
    old, new = {"a": b"1", "b": b"2"}, {"a": b"3", "b": b"4"}

    def there() -> dict[str, bytes]:
        assert [each.name for each in folder.parent.iterdir()] == [folder.name]
        return {each.name: each.read_bytes() for each in folder.iterdir()}

    write_folder(str(folder), old)
    assert there() == old
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "b":
            raise OSError(28, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="No space left"):
            write_folder(str(folder), new)
    assert there() == old
    rename = Path.rename

    def stuck(path: Path, target: Path) -> Path:
        if path.name == "made":
            raise OSError(13, "Permission denied")
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", stuck)
        with pytest.raises(InputError, match="Permission denied"):
            write_folder(str(folder), new)
    assert there() == old
    write_folder(str(folder), new)
    assert there() == new
    (folder / "mine").write_text("of someone else")
    with pytest.raises(InputError, match="holds mine"):
        write_folder(str(folder), new)
    with pytest.raises(InputError, match="not a local folder"):
        check_folder("s3://bucket/sheet", new)
    with pytest.raises(InputError, match="not a local folder"):
        check_folder(str(folder / "a"), new)
