"""The report says what its inputs say, needs nothing from outside, and stands gaps in them."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from pipeline.parameters.schema import Params
from pipeline.report.drawings import figures
from pipeline.report.publish import Results, pages_of, render_files
from pipeline.report.results import SymbolReport
from tests.pipeline.report.html_page import Page, find_rows, parse
from tests.pipeline.report.reports import (
    CONFIG,
    FACTS,
    LINEAR,
    make_params,
    make_quality,
    make_report,
    with_gaps,
)

pytestmark = pytest.mark.xdist_group("report")  # one worker renders what the tests share
MOST_BYTES = 300_000


def render(params: Params, *reports: SymbolReport, facts=FACTS, rows: int | None = None) -> dict:
    """Return the report's pages by name, without `report` and `.html`."""
    quality = make_quality(*(one.symbol for one in reports)).iloc[:rows]
    results = Results(CONFIG, params, reports, quality, facts)
    files = render_files(results, pages_of(results, lambda work, tasks, label: map(work, tasks)))
    return {
        name.removeprefix("report").removesuffix(".html").lstrip("-"): content.decode()
        for name, content in files.items()
        if name.endswith(".html")
    }


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Return the pages of two symbols."""
    return render(make_params("AAA", "BBB"), make_report("AAA"), make_report("BBB", seed=2))


@pytest.fixture(scope="module")
def page(pages: dict[str, str]) -> Page:
    """Return a symbol's page."""
    return parse(pages["AAA"])


@pytest.fixture(scope="module")
def research(pages: dict[str, str]) -> Page:
    """Return a symbol's research page."""
    return parse(pages["AAA-research"])


def test_there_is_an_index_a_page_on_the_run_and_two_pages_a_symbol(
    pages: dict[str, str],
) -> None:
    assert set(pages) == {"", "run", "AAA", "AAA-research", "BBB", "BBB-research"}
    assert max(len(text.encode()) for text in pages.values()) < MOST_BYTES


def test_the_index_has_a_line_a_symbol_that_sorts(pages: dict[str, str]) -> None:
    index = parse(pages[""])
    (table,) = index.tables
    assert table[0] == ["Order", "Cost, bps", "Saves on TWAP", "Forecast", "Law", "Warnings"]
    assert table[1] == [
        "Sell 100,000 AAA",
        "25.0 ± 0.31",
        "5.0 ± 0.025 bps",
        "4 of 4 beat the average day",
        "spread + x^1.52",
        "none",
    ]
    links = [attributes.get("href") for tag, attributes in index.tags if tag == "a"]
    assert links == ["report-AAA.html", "report-BBB.html", "report-run.html"]
    keys = [attributes["data-key"] for tag, attributes in index.tags if tag == "td"]
    assert keys[:3] == ["AAA", "25", "5"]
    buttons = [attributes for tag, attributes in index.tags if tag == "button"]
    assert [one["data-column"] for one in buttons] == list("012345")
    assert "using nothing later than 2025-01-31 16:00 America/New_York" in index.text


def test_pages_bear_names_that_any_file_system_takes() -> None:
    pages = render(make_params("ES/H5"), make_report("ES/H5"))
    assert {"ES%2FH5", "ES%2FH5-research"} < set(pages)
    assert 'href="report-ES%252FH5.html"' in pages[""]


def test_every_page_fits_a_telephone(pages: dict[str, str]) -> None:
    for text in pages.values():
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text


def test_a_minutes_page_says_what_to_do_what_it_costs_how_sure_and_why(page: Page) -> None:
    places = [page.text.index(head) for head in ("What to do", "What it costs", "How sure", "Why")]
    assert places == sorted(places)
    assert "Trade 1,282 shares a period on average: most from" in page.text
    assert "10.0 bps: half spread 13.0 bps: walk of the book beyond it 2.00 bps" in page.text
    assert "book walks of 5 days (2025-01-06 to 2025-01-31)" in page.text
    assert "Held-out forecasts against the average day: volatility 25.0% better, " in page.text
    stretches = page.tables[0]
    assert len(stretches) == 1 + 13
    assert sum(int(row[1].replace(",", "")) for row in stretches[1:]) == 100_000


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
    assert "Nothing later than 2025-01-31 16:00 America/New_York was used" in page.text
    assert "2025-02-03, 09:30–16:00 America/New_York, 78 periods of 300 s" in page.text


def test_largest_participation_is_found_in_the_plan(page: Page) -> None:
    plan = make_report("AAA").schedule.plan
    shares = max(row.optimal / row.volume for row in plan.itertuples())
    at = max(plan.itertuples(), key=lambda row: row.optimal / row.volume).period
    clock = (pd.Timestamp("2025-02-03 09:30") + pd.Timedelta(minutes=5 * at)).strftime("%H:%M")
    assert f"{100 * shares:.1f}% at {clock}, cap 15.0%" in page.text


def test_parameters_carry_errors_intervals_and_sources(research: Page) -> None:
    k, *_ = find_rows(research, "k")  # 1.5234 ± 1.96 × 0.0123
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
    gamma, *_ = find_rows(research, "γ")
    assert gamma[1:4] == ["2.51 × 10⁻⁷", "3.2 × 10⁻⁸", "(1.88 … 3.14) × 10⁻⁷"]
    # 78 periods of 5 min in 6 buckets: 13 periods each; log(3e-4) + .2
    morning, *_ = find_rows(research, "log α, 09:30–10:35")
    assert morning[1:4] == ["−7.912", "0.083", "−8.075 … −7.749"]
    assert morning[6] == "0.000366"


def test_every_number_links_to_its_estimators_documentation(pages: dict[str, str]) -> None:
    """Tables name their estimators, names link to texts, and texts name their sources."""
    single, made = pages["AAA-research"], "report-run.html"
    linked = set(re.findall(rf'href="{made}#((?:models|solver)[^"]*)"', single))
    shown = dict(re.findall(r'<details id="([^"]*)">.*?<pre>(.*?)</pre>', pages["run"], re.DOTALL))
    assert f'<a href="{made}#models.impact.book.cost_law.fit_law">1.523</a>' in single
    assert f'<a href="{made}#models.impact.flow.bounded.bounded_impact">2.51 × 10⁻⁷</a>' in single
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


def test_families_checks_and_shrinkage_are_listed(research: Page) -> None:
    assert find_rows(research, "spread power")[0][-2] == "supported, used"
    assert find_rows(research, "2,000")[0] == ["2,000", "45.0%", "1.40", "0.020", "12.0%"]
    assert find_rows(research, "γ by the long-run response")[0][1:3] == [
        "2.51 × 10⁻⁷",
        "3.2 × 10⁻⁸",
    ]
    assert find_rows(research, "Immediate response")[0][1:3] == ["5.02 × 10⁻⁷", "1.1 × 10⁻⁸"]
    (share, *_) = find_rows(research, "p, the share that stays")
    assert share[1] == "0.500"
    assert share[3].startswith("0.38 … 0.62 before pooling; γ in use, 2.51 × 10⁻⁷, is p times")
    assert find_rows(research, "Half-life of the book’s refill, s")[0][1] == "7.70"
    assert find_rows(research, "log α, 09:30–10:35")[1][5] == "70.0%"


def test_winner_is_marked_and_best_named(research: Page) -> None:
    law, lightgbm = find_rows(research, "Parametric law")[0], find_rows(research, "LightGBM")[0]
    assert law[1] == "favoured, exported"
    assert law[3] == "± 0.00070"
    assert lightgbm[1] == ""
    assert lightgbm[3] == "best"


def test_forecast_loss_is_compared_with_its_baseline(research: Page) -> None:
    row = ["Volatility", "day ahead", "QLIKE", "0.1800", "0.2400", "−25.0%"]
    assert [*row, "91.0%", "state space", "390"] in find_rows(research, "Volatility")


def test_quality_is_counted_by_symbol_and_by_day(pages: dict[str, str]) -> None:
    page = parse(pages["run"])
    # crossed, duplicate; halted touched none
    assert find_rows(page, "AAA")[:1] == [["AAA", "7", "1,234"]]
    assert ["AAA", "2025-01-30", "duplicate", "1,200"] in find_rows(page, "AAA")
    assert "halted" not in page.text


def test_run_can_be_repeated_from_the_page(pages: dict[str, str]) -> None:
    page = parse(pages["run"])
    order = "--shares 100000 --side sell --max-participation 0.15"
    assert f"impact allocate --params params.json --symbol AAA {order}" in page.text
    assert (
        "impact run --source databento --data TAPE --symbols AAA,BBB --as-of "
        "2025-01-31T21:00:00+00:00 "
        f"{order}"
    ) in page.text
    assert "run7" in page.text
    assert ["forecast", "3", "1", "2", "3.50", "22.2%"] in find_rows(page, "forecast")


def test_pages_need_nothing_from_outside_and_link_to_each_other(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        page = parse(text)
        assert not {"link", "iframe", "object"} & {tag for tag, _ in page.tags}
        scripts = [attributes for tag, attributes in page.tags if tag == "script"]
        assert scripts == ([{}] if not name else [])
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        for _, attributes in page.tags:
            for kind in ("src", "href", "xlink:href"):
                target = attributes.get(kind) or "#"
                if target.startswith("data:image/png;base64,"):
                    continue
                file, _, anchor = target.partition("#")
                other = file.removeprefix("report").removesuffix(".html").lstrip("-")
                assert not file or other in pages, target
                assert not anchor or f'id="{anchor}"' in (pages[other] if file else text), target
            assert not re.search(r"url\((?!#)", attributes.get("style") or "")


def test_same_inputs_give_the_same_bytes(pages: dict[str, str]) -> None:
    again = render(make_params("AAA", "BBB"), make_report("AAA"), make_report("BBB", seed=2))
    assert again == pages


def test_everything_is_escaped() -> None:
    evil = '<script>alert("&")</script>'
    report = make_report(evil)
    warnings = pd.DataFrame({"code": [evil], "message": [evil]})
    report = replace(report, calibration=replace(report.calibration, warnings=warnings))
    pages = render(make_params(evil), report, facts=replace(FACTS, source=evil, run_id=evil))
    for name, html in pages.items():
        assert html.count("<script") == (not name)
    assert (
        f"Sell 100,000 {evil}" in parse(next(pages[name] for name in pages if "alert" in name)).text
    )


def test_warnings_are_graded_told_once_a_code_and_the_gravest_first() -> None:
    report = make_report("AAA")
    fixed = pd.DataFrame(
        {
            "code": ["not_pooled", "beta_negative", "not_pooled", "not_pooled", "not_pooled"],
            "message": ["k: 2 symbols", "β set to 0", "γ: 3 symbols", "three", "four"],
        }
    )
    short = pd.DataFrame({"code": ["few_days"], "message": ["2 days"]})
    thin = pd.DataFrame({"code": ["too_thin", "few_days"], "message": ["few trades", "2 days"]})
    report = replace(
        report,
        calibration=replace(report.calibration, warnings=fixed),
        forecast=replace(report.forecast, warnings=short),
        schedule=replace(report.schedule, warnings=thin),
    )
    pages = render(make_params("AAA"), report)
    text = parse(pages["AAA"]).text
    assert "before this is cleared: too_thin few trades" in text
    assert (
        "Weakens the plan (2) beta_negative (law) β set to 0 few_days (forecast) 2 days "
        "For information (1) not_pooled (law) k: 2 symbols; γ: 3 symbols; three; and 1 more"
    ) in text
    assert "No warnings" not in text
    assert parse(pages[""]).tables[0][1][-1] == "1 blocks, 2 weaken, 1 note"


def test_gaps_are_shown_as_gaps() -> None:
    report = with_gaps(make_report("AAA"))
    pages = render(make_params("AAA", law=LINEAR), report, rows=0)
    page, research = parse(pages["AAA"]), parse(pages["AAA-research"])
    assert "g i (x) = α i x L i , L i ∝ (V / V i ) 0.870" in page.text
    assert find_rows(research, "k")[0][1:4] == ["1.523", "fixed", "–"]
    assert find_rows(research, "Optimal")[0][-1] == "optimal"
    assert "history is too short to test the forecasts" in research.text
    assert "No rule touched any row." in parse(pages["run"]).text
    assert "no volume forecast" in page.text
    for text in (page.text, research.text, parse(pages[""]).text):
        assert not re.search(r"\bnan\b", text.lower())
    assert set(figures(report, make_params(report.symbol))) == {"schedule", "cost", "alpha"}


def test_the_spread_is_named_in_the_cost_of_a_law_that_has_none_of_its_own() -> None:
    pages = render(make_params("AAA", law=LINEAR), with_gaps(make_report("AAA")))
    costs = next(table for table in parse(pages["AAA-research"]).tables if table[0][0] == "Plan")
    assert "Spread" not in costs[0]
    at = costs[0].index("Spread and walk")
    assert costs[1][at] == "2,300.00"  # 1,000 + 1,300
    assert "23.0 bps: half spread and walk of the book" in parse(pages["AAA"]).text


def test_what_was_planted_stands_beside_the_estimate(page: Page) -> None:
    planted = {"k": 1.5, "beta": 0.4, "gamma": 2.5e-7}
    report = replace(make_report("AAA"), planted=planted)
    told = parse(render(make_params("AAA"), report)["AAA"])
    assert ["k", "1.500", "1.523", "0.012", "1.9"] in told.tables[-1]
    assert "planted" not in page.text
