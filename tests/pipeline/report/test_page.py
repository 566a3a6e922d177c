"""The report says what its inputs say, needs nothing from outside, and stands gaps in them."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from pipeline.report.page import render
from pipeline.report.view import figures
from tests.pipeline.report.html_page import Page, find_rows, parse
from tests.pipeline.report.reports import (
    FACTS,
    LINEAR,
    make_params,
    make_quality,
    make_report,
    with_gaps,
)

pytestmark = pytest.mark.xdist_group("report")  # one worker renders what the tests share


@pytest.fixture(scope="module")
def single() -> str:
    """Return the page of one symbol."""
    return render(make_params("AAA"), (make_report("AAA"),), make_quality("AAA"), FACTS)


@pytest.fixture(scope="module")
def page() -> Page:
    """Return the page of two symbols."""
    reports = make_report("AAA"), make_report("BBB", seed=2)
    return parse(render(make_params("AAA", "BBB"), reports, make_quality("AAA", "BBB"), FACTS))


def test_headline_states_cost_deviation_and_savings(page: Page) -> None:
    assert "Sell 100,000 AAA" in page.text
    cost = (
        "25.0 bps 2,500.00 in currency, s.e. 31.00 from the parameters; "
        "the price alone moves it by 81.2 bps (standard deviation), TWAP by 81.2"
    )
    assert cost in page.text
    # (3000 - 2500) / 3000
    assert (
        "Against TWAP saves 5.00 bps, s.e. 0.025 500.00 in currency (16.7%), s.e. 2.50" in page.text
    )
    # 100.25 / 2600.25
    assert (
        "Against VWAP saves 1.00 bps, s.e. 0.025 100.25 in currency (3.9%), s.e. 2.50" in page.text
    )
    assert "using nothing later than 2025-01-31 16:00 America/New_York" in page.text
    assert "2025-02-03, 09:30–16:00 America/New_York, 78 periods of 300 s" in page.text


def test_largest_participation_is_found_in_the_plan(page: Page) -> None:
    plan = make_report("AAA").schedule.plan
    shares = max(row.optimal / row.volume for row in plan.itertuples())
    at = max(plan.itertuples(), key=lambda row: row.optimal / row.volume).period
    clock = (pd.Timestamp("2025-02-03 09:30") + pd.Timedelta(minutes=5 * at)).strftime("%H:%M")
    assert f"{100 * shares:.1f}% at {clock}, cap 15.0%" in page.text


def test_parameters_carry_errors_intervals_and_sources(page: Page) -> None:
    k, *_ = find_rows(page, "k")  # 1.5234 ± 1.96 × 0.0123
    assert k == [
        "k",
        "1.523",
        "0.012",
        "1.499 … 1.548",
        "18",
        "0.014",
        "1.490 … 1.560",
        "1",
    ]
    gamma, *_ = find_rows(page, "γ")
    assert gamma[1:4] == ["2.51 × 10⁻⁷", "3.2 × 10⁻⁸", "(1.88 … 3.14) × 10⁻⁷"]
    # 78 periods of 5 min in 6 buckets: 13 periods each; log(3e-4) + .2
    morning, *_ = find_rows(page, "log α, 09:30–10:35")
    assert morning[1:4] == ["−7.912", "0.083", "−8.075 … −7.749"]
    assert morning[6] == "0.000366"


def test_every_number_links_to_its_estimators_documentation(single: str) -> None:
    """Tables name their estimators, names link to texts, and texts name their sources."""
    linked = set(re.findall(r'href="#((?:models|solver)[^"]*)"', single))
    shown = dict(re.findall(r'<details id="([^"]*)" open>.*?<pre>(.*?)</pre>', single, re.DOTALL))
    assert '<a href="#models.impact.book.cost_law.fit_law">1.523</a>' in single
    assert '<a href="#models.impact.flow.bounded.bounded_impact">2.51 × 10⁻⁷</a>' in single
    assert linked == set(shown)
    assert {
        "models.impact.book.cost_law.fit_law",
        "models.impact.flow.bounded.bounded_impact",
        "models.impact.flow.immediate.fit_immediate",
        "models.forecast.evaluation.choice.choose",
    } <= linked
    for name, text in shown.items():
        source = text.partition("Source:")[2]
        named = {f"models.{each}" for each in re.findall(r"`models\.([\w.]+)`", source)}
        # a source may add that of another estimator, which then is on the page too
        assert named <= linked, name
        assert re.search(r"\b(1[89]|20)\d\d\b", source) or name == "solver.solve", name


def test_families_checks_and_shrinkage_are_listed(page: Page) -> None:
    assert find_rows(page, "spread power")[0][-2] == "supported, used"
    assert find_rows(page, "2,000")[0] == ["2,000", "45.0%", "1.40", "0.020", "12.0%"]
    assert find_rows(page, "γ by the long-run response")[0][1:3] == ["2.51 × 10⁻⁷", "3.2 × 10⁻⁸"]
    assert find_rows(page, "Immediate response")[0][1:3] == ["5.02 × 10⁻⁷", "1.1 × 10⁻⁸"]
    (share, *_) = find_rows(page, "p, the share that stays")
    assert share[1] == "0.500"
    assert share[3].startswith("0.38 … 0.62 before pooling; γ in use, 2.51 × 10⁻⁷, is p times")
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
    # crossed, duplicate; halted touched none
    assert find_rows(page, "AAA")[:1] == [["AAA", "7", "1,234"]]
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
    assert ["forecast", "3", "1", "2", "3.50", "22.2%"] in find_rows(page, "forecast")


def test_several_symbols_have_contents_and_one_has_none(page: Page, single: str) -> None:
    links = [attributes.get("href") for tag, attributes in page.tags if tag == "a"]
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert links[:2] == ["#symbol-1", "#symbol-2"]
    assert all(link is not None and link.removeprefix("#") in targets for link in links)
    links = [attributes["href"] for tag, attributes in parse(single).tags if tag == "a"]
    assert not [link for link in links if link is not None and link.startswith("#symbol")]


def test_page_needs_nothing_from_outside_and_ids_are_unique(page: Page) -> None:
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not re.search(r"url\((?!#)", attributes.get("style") or "")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_same_inputs_give_the_same_bytes(single: str) -> None:
    again = render(make_params("AAA"), (make_report("AAA"),), make_quality("AAA"), FACTS)
    assert again == single


def test_everything_is_escaped() -> None:
    evil = '<script>alert("&")</script>'
    report = make_report(evil)
    warnings = pd.DataFrame({"code": [evil], "message": [evil]})
    report = replace(report, calibration=replace(report.calibration, warnings=warnings))
    html = render(
        make_params(evil),
        (report,),
        make_quality(evil),
        replace(FACTS, source=evil, run_id=evil),
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
