"""The report says what its inputs say, needs nothing from outside, and stands gaps in them."""

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.config import AllocateConfig
from pipeline.engine.tables import Calibration, Forecast, Learned, Schedule, Selection
from pipeline.parameters.schema import (
    UNITS,
    Calendar,
    Law,
    LiquidityChain,
    Matrix,
    Params,
    Period,
    Reference,
    Slices,
    SymbolParams,
    Valid,
)
from pipeline.report import plots
from pipeline.report.page import RunFacts, SymbolReport, figures, render

PERIODS = 78
SECONDS = 300
CALENDAR = Calendar(
    name="XNYS", timezone="America/New_York", periods=PERIODS, period_seconds=SECONDS
)
OPEN = pd.Timestamp("2025-02-03T14:30:00+00:00")  # 09:30 in New York
STARTS = [(OPEN + pd.Timedelta(seconds=SECONDS * i)).isoformat() for i in range(PERIODS)]
SIZES = np.array([100.0, 200, 500, 1000, 2000, 5000])
BUCKETS = 6
FACTS = RunFacts(
    created="2025-02-01T10:00:00+00:00",
    code_version="0.1.0+abc",
    data_hash="d" * 64,
    mlflow_run_id="run7",
    source="databento",
    as_of="2025-01-31T21:00:00+00:00",
    stages=pd.DataFrame(
        {
            "stage": ["ingest", "forecast"],
            "tasks": [60, 3],
            "computed": [60, 1],
            "reused": [0, 2],
            "seconds": [12.25, 3.5],
        }
    ),
)
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
                "lower_bound": 2499.0 if name in solved else np.nan,
                "gap": 0.0 if name in solved else np.nan,
                "status": "OPTIMAL" if name in solved else "BENCHMARK",
            }
            for name, value in cost.items()
        ]
    )
    return Schedule(plan, costs, pd.DataFrame(columns=["code", "message"]))


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
                "reason": "alone in the 90 % confidence set",
                "loss": 0.18,
                "dm_p": 0.01,
                "mcs_p": 1.0,
                "n": days * PERIODS,
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
    chain = pd.DataFrame({"deviation": [0.0], "initial": [1.0], "stationary": [1.0], "to_0": [1.0]})
    return Forecast(
        states, states.assign(sigma=0.1), backtest, scores, contest, unfolding, chain, NO_WARNINGS
    )


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
            + ["models.impact.flow.permanent.permanent_impact"],
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
                "k_dropped": 1.41,
                "k_dropped_error": 0.02,
                "asymmetry": 0.03,
                "asymmetry_error": 0.02,
                "volatility_slope": 0.97,
                "volatility_slope_error": 0.04,
                "volume_slope": 0.99,
                "volume_slope_error": 0.03,
                "gamma_estimator": "hasbrouck",
                "gamma_kyle": 3.1e-7,
                "gamma_kyle_error": 3e-8,
                "slices": 4,
                "slice_spacing": 75.0,
                "slice_factor": 0.71,
                "slice_factor_error": 0.02,
                "refill_half_life": 7.7,
                "refill_lasting": 0.1,
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
                    "observed": fitted * np.linspace(1, 0.7, len(SIZES)),
                    "corrected": fitted * (1 + 0.05 * rng.standard_normal(len(SIZES))),
                    "fitted": fitted,
                    "censored": [0, 0, 0.02, 0.1, 0.45, 0.97],
                    "half_spread": 0.01,
                }
            )
            for side in (1, -1)
        ],
        ignore_index=True,
    )
    curve.loc[curve["censored"] > 0.9, "observed"] = np.nan
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
    return Calibration(parameters, covariance, facts, families, curve, NO_WARNINGS)


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


def make_report(symbol: str, seed: int = 1, days: int = 5) -> SymbolReport:
    rng = np.random.default_rng(seed)
    order = AllocateConfig(shares=100_000, side="sell", max_participation=0.15)
    features = [
        "log_size",
        "side",
        "log_volatility",
        "log_thinness",
        "log_half_spread",
        "log_depth",
        "time",
    ]
    importance = pd.DataFrame(
        {
            "model": ["lightgbm"] * 7 + ["gamma_regression"] * 7,
            "feature": features * 2,
            "importance": [
                0.62,
                0.01,
                0.09,
                0.08,
                0.11,
                0.06,
                0.03,
                0.5,
                0.0,
                0.1,
                0.15,
                0.15,
                0.08,
                0.02,
            ],
        }
    )
    scores = pd.DataFrame(
        {
            "candidate": ["law", "square_root", "gamma_regression", "lightgbm"],
            "deviance": [0.041, 0.047, 0.043, 0.0405],
            "deviance_error": [0.0007, 0.0019, 0.0011, 0.0],
            "rmse_bps": [1.21, 1.4, 1.3, 1.19],
            "bias": [0.012, -0.034, 0.02, -0.004],
            "cells": 7020,
            "winner": [True, False, False, False],
            "exported": [True, False, False, False],
        }
    )
    forecast, calibration = make_forecast(rng, days), make_calibration(rng)
    return SymbolReport(
        symbol=symbol,
        forecast=forecast,
        calibration=calibration,
        shrinkage=make_shrinkage(calibration),
        learned=Learned(pd.DataFrame(), pd.DataFrame(), importance),
        selection=Selection(scores),
        schedule=make_schedule(order),
        order=order,
    )


POWER = Law(family="spread_power", k=1.5234, beta=0.412, gamma=2.51e-7, liquidity_elasticity=0.87)
LINEAR = Law(family="linear", k=1, beta=0, gamma=2.51e-7, liquidity_elasticity=0.87)


def make_params(*symbols: str, law: Law = POWER) -> Params:
    periods = tuple(
        Period(
            i=i,
            start=start,
            alpha=3e-4,
            volatility=1,
            liquidity=1,
            gamma=2.51e-7,
            drift=0,
            sigma=0.1,
            spread=0.01,
            volume=40_000,
            volatility_interval=(0.5, 2),
            liquidity_interval=(0.8, 1.2),
        )
        for i, start in enumerate(STARTS)
    )
    one = SymbolParams(
        route="book",
        reference=Reference(price=100, volatility=0.08, depth_shares=1850, volume_shares=41_234.5),
        law=law,
        standard_errors={"k": 0.0123},
        covariance=Matrix(names=("k",), matrix=((1.5e-4,),)),
        units=UNITS,
        periods=periods,
        liquidity_chain=LiquidityChain(levels=(1,), transition=((1,),), initial=(1,)),
        warnings=(),
        slices=Slices(
            count=1, spacing_seconds=300, factor=1, factor_error=0, refill_half_life_seconds=None
        ),
    )
    return Params(
        schema_="impact-params/1",
        created=FACTS.created,
        code_version="0.1.0+abc",
        data_hash="d" * 64,
        mlflow_run_id="run7",
        valid=Valid(start=STARTS[0], end="2025-02-03T21:00:00+00:00"),
        calendar=CALENDAR,
        symbols=dict.fromkeys(symbols, one),
    )


def make_quality(*symbols: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"symbol": symbol, "date": date, "rule": rule, "rows": rows}
            for symbol in symbols
            for date, rule, rows in (
                ("2025-01-30", "duplicate", 1200),
                ("2025-01-31", "duplicate", 34),
                ("2025-01-31", "crossed", 7),
                ("2025-01-31", "halted", 0),
            )
        ]
    )


@dataclass
class Page:
    """A parsed page: rows of cells by table, all text, and every tag with its attributes."""

    tables: list[list[list[str]]]
    text: str
    tags: list[tuple[str, dict[str, str | None]]]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.stack.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] in ("style", "script"):
            return
        self.words.append(data)
        if {"td", "th"} & set(self.stack):
            self.tables[-1][-1][-1] += data


def parse(html: str) -> Page:
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.stack == []
    return Page(parser.tables, " ".join(" ".join(parser.words).split()), parser.tags)


def find_rows(page: Page, first: str) -> list[list[str]]:
    return [row for table in page.tables for row in table if row and row[0] == first]


@pytest.fixture(scope="module")
def page() -> Page:
    reports = make_report("AAA"), make_report("BBB", seed=2)
    return parse(render(make_params("AAA", "BBB"), reports, make_quality("AAA", "BBB"), FACTS))


def test_headline_states_cost_deviation_and_savings(page: Page) -> None:
    assert "Sell 100,000 AAA" in page.text
    assert "25.0 ± 81.2 bps 2,500.00 ± 8,123.40 in currency" in page.text
    assert "5.00 bps 500.00 in currency (16.7%)" in page.text  # (3000 - 2500) / 3000
    assert "1.00 bps 100.25 in currency (3.9%)" in page.text  # 100.25 / 2600.25
    assert "using nothing later than 2025-01-31 16:00 America/New_York" in page.text
    assert "2025-02-03, 09:30–16:00 America/New_York, 78 periods of 300 s" in page.text


def test_largest_participation_is_found_in_the_plan(page: Page) -> None:
    plan = make_report("AAA").schedule.plan
    shares = max(row.optimal / row.volume for row in plan.itertuples())
    at = max(plan.itertuples(), key=lambda row: row.optimal / row.volume).period
    clock = (pd.Timestamp("2025-02-03 09:30") + pd.Timedelta(minutes=5 * at)).strftime("%H:%M")
    assert f"{100 * shares:.1f}% at {clock}, cap 15.0%" in page.text


def test_parameters_carry_errors_intervals_and_sources(page: Page) -> None:
    k, *_ = find_rows(page, "k")
    assert k == [
        "k",
        "1.523",
        "0.012",
        "1.499 … 1.548",
        "18",
        "0.014",
        "1.490 … 1.560",
        "1",
    ]  # 1.5234 ± 1.96 × 0.0123
    gamma, *_ = find_rows(page, "γ")
    assert gamma[1:4] == ["2.51 × 10⁻⁷", "3.2 × 10⁻⁸", "(1.88 … 3.14) × 10⁻⁷"]
    morning, *_ = find_rows(
        page, "log α, 09:30–10:35"
    )  # 78 periods of 5 min in 6 buckets: 13 periods each
    assert [*morning[1:4], morning[6]] == [
        "−7.912",
        "0.083",
        "−8.075 … −7.749",
        "0.000366",
    ]  # log(3e-4) + .2


def test_every_number_links_to_its_estimators_documentation() -> None:
    """Each table names estimators, each name is a link to its text, and each text names its
    source.
    """
    html = render(make_params("AAA"), (make_report("AAA"),), make_quality("AAA"), FACTS)
    linked = set(re.findall(r'href="#((?:models|solver)[^"]*)"', html))
    shown = dict(re.findall(r'<details id="([^"]*)" open>.*?<pre>(.*?)</pre>', html, re.DOTALL))
    assert '<a href="#models.impact.book.cost_law.fit_law">1.523</a>' in html
    assert '<a href="#models.impact.flow.permanent.permanent_impact">2.51 × 10⁻⁷</a>' in html
    assert linked == set(shown)
    assert {
        "models.impact.book.cost_law.fit_law",
        "models.impact.flow.permanent.permanent_impact",
        "models.forecast.evaluation.contest.choose",
    } <= linked
    for name, text in shown.items():
        source = text.partition("Source:")[2]
        named = {f"models.{each}" for each in re.findall(r"`models\.([\w.]+)`", source)}
        assert named <= linked, (
            name
        )  # a source may add that of another estimator, which then is on the page too
        assert re.search(r"\b(1[89]|20)\d\d\b", source) or name == "solver.solve", name


def test_families_checks_and_shrinkage_are_listed(page: Page) -> None:
    assert find_rows(page, "spread power")[0][-2] == "supported, used"
    (kept, *_), (dropped, *_) = (
        find_rows(page, f"k {which}")
        for which in ("with the censoring correction", "if that time were dropped")
    )
    assert kept[1:3] == ["1.519", "0.014"]
    assert "12.3% of the walks" in kept[3]
    assert dropped[1:3] == ["1.410", "0.020"]
    assert (
        "γ in use, 2.51 × 10⁻⁷, is from its long-run response"
        in find_rows(page, "γ by Kyle’s slope")[0][3]
    )
    assert find_rows(page, "Half-life of the book’s refill, s")[0][1] == "7.70"
    assert find_rows(page, "log α, 09:30–10:35")[1][5] == "70.0%"


def test_winner_is_marked_and_best_named(page: Page) -> None:
    law, lightgbm = find_rows(page, "Parametric law")[0], find_rows(page, "LightGBM")[0]
    assert law[1] == "registered, exported"
    assert law[3] == "± 0.00070"
    assert lightgbm[1] == ""
    assert lightgbm[3] == "best"


def test_forecast_loss_is_compared_with_its_baseline(page: Page) -> None:
    row = ["Volatility", "day ahead", "QLIKE", "0.1800", "0.2400", "−25.0%"]
    assert [*row, "91.0%", "state space", "390"] in find_rows(page, "Volatility")


def test_quality_is_counted_by_symbol_and_by_day(page: Page) -> None:
    assert find_rows(page, "AAA")[:1] == [
        ["AAA", "7", "1,234"]
    ]  # crossed, duplicate; halted touched none
    assert ["AAA", "2025-01-30", "duplicate", "1,200"] in find_rows(page, "AAA")
    assert "halted" not in page.text


def test_run_can_be_repeated_from_the_page(page: Page) -> None:
    order = "--shares 100000 --side sell --max-participation 0.15"
    assert f"impact allocate --params params.json --symbol AAA {order}" in page.text
    assert (
        "impact run --source databento --data TAPE --symbols AAA,BBB --as-of "
        "2025-01-31T21:00:00+00:00 "
        f"{order}"
    ) in page.text
    assert "run7" in page.text
    assert ["forecast", "3", "1", "2", "3.50"] in find_rows(page, "forecast")


def test_several_symbols_have_contents_and_one_has_none(page: Page) -> None:
    links = [attributes.get("href") for tag, attributes in page.tags if tag == "a"]
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert links[:2] == ["#symbol-1", "#symbol-2"]
    assert all(link is not None and link.removeprefix("#") in targets for link in links)
    single = parse(render(make_params("AAA"), (make_report("AAA"),), make_quality("AAA"), FACTS))
    assert not [
        1
        for tag, attributes in single.tags
        if tag == "a" and attributes["href"].startswith("#symbol")
    ]


def test_page_needs_nothing_from_outside_and_ids_are_unique(page: Page) -> None:
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not re.search(r"url\((?!#)", attributes.get("style") or "")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_same_inputs_give_the_same_bytes() -> None:
    first, second = (
        render(make_params("AAA"), (make_report("AAA"),), make_quality("AAA"), FACTS)
        for _ in range(2)
    )
    assert first == second


def test_everything_is_escaped() -> None:
    evil = '<script>alert("&")</script>'
    report = make_report(evil)
    warnings = pd.DataFrame({"code": [evil], "message": [evil]})
    report = replace(report, calibration=replace(report.calibration, warnings=warnings))
    html = render(
        make_params(evil),
        (report,),
        make_quality(evil),
        replace(FACTS, source=evil, mlflow_run_id=evil),
    )
    assert "<script" not in html
    assert f"Sell 100,000 {evil}" in parse(html).text


def test_warnings_are_shown_with_code_stage_and_message() -> None:
    report = make_report("AAA")
    fixed = pd.DataFrame(
        {
            "code": ["not_pooled", "beta_negative", "not_pooled"],
            "message": ["k: 2 symbols", "β set to 0", "γ: 3 symbols"],
        }
    )
    short = pd.DataFrame({"code": ["few_days"], "message": ["2 days"]})
    report = replace(
        report,
        calibration=replace(report.calibration, warnings=fixed),
        forecast=replace(report.forecast, warnings=short),
    )
    text = parse(render(make_params("AAA"), (report,), make_quality("AAA"), FACTS)).text
    assert (
        "3 warnings not_pooled (calibrate) k: 2 symbols; γ: 3 symbols beta_negative (calibrate) β "
        "set to 0 "
        "few_days (forecast) 2 days"
    ) in text
    assert "No warnings" not in text


def with_gaps(report: SymbolReport) -> SymbolReport:
    """Return the report of a linear law on a short history, with every optional cell empty."""
    calibration = report.calibration
    parameters, facts = calibration.parameters.copy(), calibration.facts.copy()
    parameters.loc[parameters["name"].isin(["k", "beta", "theta"]), "standard_error"] = np.nan
    facts["family"] = "linear"
    facts[["pseudo_r2", "flow_r2", "flow_observations"]] = np.nan
    curve = calibration.curve.assign(observed=np.nan, corrected=np.nan)
    forecast, plan, costs = report.forecast, report.schedule.plan, report.schedule.costs
    costs = costs[costs["method"].isin(["optimal", "twap", "vwap"])].assign(gap=np.nan, risk=np.nan)
    scores = forecast.scores.assign(model=np.nan, baseline=np.nan, coverage=np.nan, n=0)
    return replace(
        report,
        calibration=replace(calibration, parameters=parameters, facts=facts, curve=curve),
        forecast=replace(
            forecast,
            backtest=forecast.backtest.iloc[:0],
            scores=scores,
            unfolding=forecast.unfolding.iloc[:0],
        ),
        schedule=Schedule(
            plan.drop(columns=["nlp", "dp"]).assign(volume=0.0),
            costs,
            pd.DataFrame(columns=["code", "message"]),
        ),
        selection=Selection(
            report.selection.scores.assign(deviance_error=np.inf, rmse_bps=np.nan, bias=np.nan)
        ),
        learned=replace(report.learned, importance=report.learned.importance.iloc[:0]),
    )


def test_gaps_are_shown_as_gaps() -> None:
    report = with_gaps(make_report("AAA"))
    page = parse(
        render(make_params("AAA", law=LINEAR), (report,), make_quality("AAA").iloc[:0], FACTS)
    )
    assert "g i (x) = α i x L i , L i ∝ (V / V i ) 0.870" in page.text
    assert find_rows(page, "k")[0][1:4] == ["1.523", "fixed", "–"]
    assert find_rows(page, "Optimal")[0][-1] == "optimal"
    assert "history is too short to test the forecasts" in page.text
    assert "No rule touched any row." in page.text
    assert "no volume forecast" in page.text
    assert "nan" not in page.text.partition("What each number is")[0].lower().replace("finance", "")
    assert set(figures(report, make_params(report.symbol))) == {"schedule", "cost", "alpha"}


def test_partly_missing_backtest_still_draws() -> None:
    report = make_report("AAA", days=1)
    backtest = report.forecast.backtest
    backtest = backtest[backtest["series"].isin(["volume", "depth", "half_spread"])].copy()
    backtest.loc[backtest["series"] == "depth", ["realized", "baseline"]] = np.nan
    figure = plots.plot_forecast(backtest, 100.0, plots.Clock(9.5, SECONDS / 3600))
    assert [ax.get_title(loc="left") for ax in figure.axes if ax.axison] == [
        "Volume, shares per period",
        "Half spread, bps of price",
        "Depth on a side, shares",
    ]


def test_forecast_panels_hold_all_data_and_end_with_the_realized() -> None:
    backtest = make_report("AAA", days=1).forecast.backtest
    backtest = backtest[backtest["series"] == "half_spread"].assign(
        forecast=0.02, baseline=0.02, realized=0.02
    )
    backtest.loc[backtest["period"] > 20, "realized"] = np.nan
    ax = plots.plot_forecast(backtest, 100.0, plots.Clock(9.5, SECONDS / 3600)).axes[0]
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > 1.05 * 2.0  # a constant 2 bps stands inside the panel, not on its rim
    assert ax.get_xlim() == pytest.approx((9.5, 9.5 + 21 / 12))


def test_schedule_figure_draws_the_plan_in_exchange_time() -> None:
    report = make_report("AAA")
    traded, left = figures(report, make_params(report.symbol))["schedule"].axes
    drawn = {patch.get_label(): patch.get_data() for patch in traded.patches}
    np.testing.assert_array_equal(drawn["VWAP"].values, report.schedule.plan["vwap"])
    assert drawn["Optimal"].edges[[0, -1]] == pytest.approx([9.5, 16.0])
    optimal = next(line for line in left.lines if line.get_label() == "Optimal").get_ydata()
    assert optimal[0] == 100_000
    assert optimal[1] == 100_000 - report.schedule.plan["optimal"][0]
    assert optimal[-1] == 0


def test_cost_figure_adds_the_half_spread() -> None:
    curve = make_report("AAA").calibration.curve
    buys = curve[curve["side"] == 1]
    lines = {
        line.get_label(): line.get_ydata() for line in plots.plot_cost(curve, 50.0).axes[0].lines
    }
    for label, column in (
        ("Fitted law", "fitted"),
        ("Book walk, censored part imputed", "corrected"),
    ):
        np.testing.assert_allclose(
            lines[label], 200 * (0.01 + buys[column] / buys["size"])
        )  # 1e4 / 50


def test_alpha_figure_spans_the_students_interval_of_every_bucket() -> None:
    ax = figures(make_report("AAA"), make_params("AAA"))["alpha"].axes[0]
    marks = ax.containers[0]
    own = 3e-4 * np.exp(0.1 * np.array([2, 0, -1, -1, 0, 1]))
    np.testing.assert_allclose(marks.lines[0].get_ydata(), own)
    bars = np.array([segment[:, 1] for segment in marks.lines[2][0].get_segments()])
    reach = 2.0976 * 0.0831  # Student's 97.5 % point at 18.4 degrees of freedom
    np.testing.assert_allclose(bars, np.outer(own, np.exp([-reach, reach])), rtol=1e-4)


@pytest.mark.parametrize(
    ("start", "timezone", "expected"),
    [
        ("2025-07-01T13:30:00+00:00", "America/New_York", "09:30"),  # summer time
        ("2025-07-01T00:00:00+00:00", "Asia/Tokyo", "09:00"),
        ("2025-07-01T00:00:00+00:00", "UTC", "00:00"),
    ],
)
def test_clock_is_that_of_the_exchange(start: str, timezone: str, expected: str) -> None:
    calendar = Calendar(name="X", timezone=timezone, periods=10, period_seconds=60)
    clock = plots.Clock.of(calendar, pd.DataFrame({"period": [0], "start": [start]}))
    assert clock.label(0) == expected
    later = plots.Clock.of(
        calendar, pd.DataFrame({"period": [30], "start": [start]})
    )  # the rest of a session
    assert later.label(30) == expected
    assert later.hours(np.array([0]))[0] == pytest.approx(clock.hours(np.array([0]))[0] - 0.5)
