"""Candidates judged on held-out days: errors against SciPy, coverage, false verdicts."""

import numpy as np
import pytest
from scipy import stats

from models.tca.paired import FEWEST, Blocks, paired_difference
from models.tca.regret import FAMILY, Costs, Judged, holm, judge
from models.tca.runs import Run


def days(seed: int, count: int, saving: float = 0.0) -> dict[str, np.ndarray]:
    """Return costs that share each day's level; `other` saves so much on average."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(5.0, 0.4, count)
    known = level * 0.5 + rng.normal(0, 0.02, count)
    other = level * (1 - saving) + rng.normal(0, 0.1, count)
    return {"twap": level + rng.normal(0, 0.1, count), "clairvoyant": known, "other": other}


def judged(costs: dict[str, np.ndarray]) -> dict[str, Judged]:
    return {one.name: one for one in judge(Costs.by_day(costs), "twap", "clairvoyant")}


def test_a_saving_is_tested_as_a_paired_t() -> None:
    costs = days(1, 8, saving=0.2)
    found, told = judged(costs)["other"], stats.ttest_rel(costs["twap"], costs["other"])
    interval = told.confidence_interval(0.95)
    assert found.saving == pytest.approx(np.mean(costs["twap"] - costs["other"]))
    assert found.p == pytest.approx(told.pvalue)
    assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high))
    regret = costs["other"] - costs["clairvoyant"]
    assert found.regret == pytest.approx(regret.mean())
    assert found.regret_error == pytest.approx(stats.sem(regret))


def test_the_share_of_the_gap_is_a_ratio_of_sums_with_its_error() -> None:
    truth, found = 0.2 / 0.5, []
    for seed in range(300):
        one = judged(days(seed, 40, saving=0.2))["other"]
        found.append((one.share, one.share_error))
    share, error = np.array(found).T
    assert share.mean() == pytest.approx(truth, abs=4 * share.std() / 300**0.5)
    assert error.mean() == pytest.approx(share.std(), rel=0.15)
    ends = judged(days(0, 6))
    assert (ends["clairvoyant"].share, ends["clairvoyant"].share_error) == pytest.approx((1.0, 0.0))
    assert (ends["twap"].share, ends["twap"].share_error) == pytest.approx((0.0, 0.0))


def test_intervals_cover_and_holm_keeps_false_verdicts_rare() -> None:
    covered, false = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        level = rng.gamma(5.0, 0.4, 6)
        names = [f"c{place}" for place in range(8)]
        costs = {name: level + rng.normal(0, 0.1, 6) for name in ["twap", *names]}
        rows = judge(Costs.by_day(costs | {"clairvoyant": level * 0.5}), "twap", "clairvoyant")
        tried = [row for row in rows if row.name in names]
        covered += tried[0].lower <= 0 <= tried[0].upper
        false += any(
            row.verdict(p) != "undecided"
            for row, p in zip(tried, holm([row.p for row in tried]), strict=True)
        )
    assert stats.binomtest(covered, 60, 0.95).pvalue > 0.001
    assert stats.binomtest(false, 60, FAMILY, alternative="greater").pvalue > 0.001


def test_one_day_is_judged_by_blocks_as_a_pair_is() -> None:
    rng, blocks = np.random.default_rng(3), Blocks(0.0, 600.0, 6)
    time = np.arange(5.0, 600.0, 10.0)
    runs = {
        name: [Run(time, np.full(60, 2.0), rng.gamma(4.0, 0.01, 60), 1, 100.0) for _ in range(2)]
        for name in ("twap", "other", "clairvoyant")
    }
    found = {
        one.name: one for one in judge(Costs.by_block(runs, blocks), "twap", "clairvoyant", FEWEST)
    }
    pair = paired_difference(runs["other"], runs["twap"], blocks)
    assert found["other"].saving == pytest.approx(-pair.difference)
    assert found["other"].error == pytest.approx(pair.error)
    few = Costs.by_block(runs, Blocks(0.0, 600.0, FEWEST - 1))
    assert np.isnan([one.error for one in judge(few, "twap", "clairvoyant", FEWEST)]).all()


def test_what_has_no_error_is_undecided() -> None:
    one_day = {name: cost[:1] for name, cost in days(2, 3, saving=0.9).items()}
    found = judged(one_day)["other"]
    assert np.isnan(found.p)
    assert found.verdict(holm([found.p])[0]) == "undecided"
    assert holm([float("nan"), 0.01]) == pytest.approx([float("nan"), 0.01], nan_ok=True)
