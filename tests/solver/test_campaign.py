"""The first 400 of the 10,000 random problems of `python -m benchmarks.campaign`, on both paths."""

from collections import Counter

import pytest

from benchmarks.campaign import check
from solver import Settings


@pytest.mark.parametrize("compiled", [True, False])
def test_random_problems_have_no_fault(compiled: bool) -> None:
    tally: Counter[str] = Counter()
    wrong = [
        fault
        for seed in range(400)
        for fault in check(seed, Settings(compiled=compiled, grid=60), tally)
    ]
    assert not wrong
    assert {
        "whole lots rounding optimal",
        "whole lots dp optimal",
        "whole lots vertex optimal",
    } <= set(tally)
