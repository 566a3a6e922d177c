"""What the parameter file says besides the law: window, tick, sizes, levels, severities, expiry."""

import json

import numpy as np
import pytest

from models.simulation.market import TICK
from pipeline.engine.errors import InputError
from pipeline.engine.grades import grade_of
from pipeline.parameters.schema import Params, json_schema, params_of
from tests.pipeline.conftest import SmallRun


@pytest.fixture
def params(small_run: SmallRun) -> Params:
    return small_run.result.results.params


def test_the_file_says_what_it_was_made_from(small_run: SmallRun, params: Params) -> None:
    for report in small_run.result.results.symbols:
        section = params.symbols[report.symbol]
        told = (report.read.first, report.read.last, report.read.days)
        assert (section.window.first, section.window.last, section.window.days) == told
        assert section.tick == pytest.approx(TICK)


def test_levels_are_mapped_to_periods(small_run: SmallRun, params: Params) -> None:
    for report in small_run.result.results.symbols:
        levels = params.symbols[report.symbol].levels
        value = report.calibration.parameters.set_index("name")["value"]
        for bucket, alpha in enumerate(levels.alpha):
            assert alpha == pytest.approx(np.exp(value[f"log_alpha_{bucket}"]))
        assert sorted(set(levels.bucket)) == list(range(len(levels.alpha)))
        assert list(levels.bucket) == sorted(levels.bucket)


def test_fitted_sizes_are_those_that_depth_held(small_run: SmallRun, params: Params) -> None:
    for report in small_run.result.results.symbols:
        low, high = params.symbols[report.symbol].fitted_shares
        sizes = report.calibration.sizes
        assert low == sizes["size"].min()
        assert (sizes.loc[sizes["size"] > high, "censored"] > 0.2).all()


def test_every_warning_has_the_severity_of_its_code(params: Params) -> None:
    for section in params.symbols.values():
        for one in section.warnings:
            assert one.severity == grade_of(one.code)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one["levels"]["bucket"].pop(), "one entry a period"),
        (lambda one: one["levels"]["bucket"].append(99), "must lie below"),
        (lambda one: one["window"].update(first="2025-13-01"), "window.first"),
        (lambda one: one["warnings"].append({"code": "a", "message": "b", "severity": "c"}), "c"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(params: Params, change, said: str) -> None:
    content = json.loads(params.model_dump_json(by_alias=True))
    change(content["symbols"]["SIM0"])
    with pytest.raises(InputError, match=said):
        params_of(content, "params.json")


def test_a_currency_is_three_letters_or_not_known(params: Params) -> None:
    assert params.currency is None
    content = json.loads(params.model_dump_json(by_alias=True)) | {"currency": "dollars"}
    with pytest.raises(InputError, match="currency"):
        params_of(content, "params.json")


def test_the_schema_has_a_name_of_its_own() -> None:
    assert json.loads(json_schema())["$id"] == "urn:impact-params:2"
