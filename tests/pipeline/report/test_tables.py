"""Numbers are written in the digits that mean something, and tables say what their frames say."""

import numpy as np
import pandas as pd
import pytest

from pipeline.report.figures.clock import Clock
from pipeline.report.tables.calibration import level_table, parameter_table
from pipeline.report.tables.digits import money, number
from pipeline.report.tables.run import quality_days, quality_totals, selection_table

UNKNOWN = dict.fromkeys(("dof", "bootstrap_error", "profile_low", "profile_high"), float("nan"))


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (1234567.8, 4, "1,234,568"),
        (0.0123456, 4, "0.01235"),
        (9.9996, 4, "10.00"),
        (-0.5, 2, "−0.50"),
        (0.0, 4, "0"),
        (2.5e-7, 3, "2.50 × 10⁻⁷"),
        (np.nan, 4, "–"),
        (-np.inf, 4, "−∞"),
        (12.3456, 3, "12.3"),
    ],
)
def test_numbers_are_written_in_significant_digits(
    value: float, digits: int, expected: str
) -> None:
    assert number(value, digits) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1234.5, "1,234.50"),
        (0.3, "0.30"),
        (-8.5, "−8.50"),
        (0.0, "0.00"),
        (1.14e-13, "1.1 × 10⁻¹³"),
        (np.nan, "–"),
    ],
)
def test_money_is_written_to_the_cent(value: float, expected: str) -> None:
    assert money(value) == expected


def test_both_ends_of_an_interval_share_a_power_of_ten() -> None:
    parameters = pd.DataFrame(
        [
            {
                "name": "gamma",
                "value": 9.86e-5,
                "standard_error": 9.1e-6,
                "low": 8.08e-5,
                "high": 1.164e-4,
                "unit": "",
                "source": "",
            }
            | UNKNOWN
        ]
    )
    table = parameter_table(parameters)
    assert table.rows[0][1:4] == ("9.86 × 10⁻⁵", "9.1 × 10⁻⁶", "(8.08 … 11.64) × 10⁻⁵")


def test_buckets_are_named_by_the_periods_that_fall_in_them() -> None:
    names = [f"log_alpha_{bucket}" for bucket in range(4)]
    parameters = pd.DataFrame(
        {
            "name": names,
            "value": 0.0,
            "standard_error": 1.0,
            "low": -2.0,
            "high": 2.0,
            "unit": "",
            "source": "",
        }
        | UNKNOWN
    )
    table = level_table(parameters, 10, Clock(9.0, 1.0))
    hours = {bucket: [9 + i for i in range(10) if i * 4 // 10 == bucket] for bucket in range(4)}
    expected = [f"log α, {part[0]:02d}:00–{part[-1] + 1:02d}:00" for part in hours.values()]
    assert [row[0] for row in table.rows] == expected


def test_quality_keeps_symbols_that_no_rule_touched() -> None:
    quality = pd.DataFrame(
        {
            "symbol": ["A", "A", "B"],
            "date": "2025-01-02",
            "rule": ["late", "dup", "dup"],
            "rows": [0, 3, 0],
        }
    )
    table = quality_totals(quality)
    assert (table.head, table.rows) == (("Symbol", "dup"), (("A", "3"), ("B", "0")))
    assert quality_days(quality).rows == (("A", "2025-01-02", "dup", "3"),)


def test_candidates_equal_to_the_best_are_best() -> None:
    scores = pd.DataFrame(
        {
            "candidate": ["law", "square_root", "lightgbm"],
            "deviance": [0.02, 0.02, 0.03],
            "deviance_error": [0.0, 0.0, 0.0],
            "rmse_bps": 1.0,
            "bias": -0.1,
            "cells": 9,
            "winner": [False, True, False],
            "exported": [False, True, False],
        }
    )
    table = selection_table(scores)
    assert [row[3] for row in table.rows] == ["best", "best", "± 0"]
    assert table.marked == (1,)
    assert table.rows[0][5] == "−10.0%"
