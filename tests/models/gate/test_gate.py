"""What the gate lets in force: refits unless shown worse, other families when shown better."""

import numpy as np
import pytest

from models.gate import FIRST_LOOK, LAST_LOOK, LEVEL, change_of_family, refresh, strict_from

TWAP = 2.0  # bps
DELTA = 0.02


def nights(mean: float, sd: float, count: int) -> np.ndarray:
    """Return differences with exactly this mean and standard deviation."""
    some = np.random.default_rng(count).standard_normal(count)
    return mean + sd * (some - some.mean()) / some.std(ddof=1)


def test_few_nights_hold_nothing_against_a_refit() -> None:
    assert refresh([], TWAP).passes
    assert refresh([9.0] * 4, TWAP).passes
    assert not refresh([9.0] * 5, TWAP).passes


@pytest.mark.parametrize(
    ("mean", "sd", "count", "passes", "on"),
    [
        (0.01, 0.1, 5, True, "mean"),  # a little dearer, far from shown
        (0.03, 0.1, 5, False, "mean"),  # more than 1 % of TWAP's cost
        (0.015, 0.01, 6, False, "low"),  # a little, and shown
        (-0.5, 0.1, 5, True, "mean"),
        (0.0, 0.02, 30, True, "high"),  # nights enough, and shown to be no worse
        (0.01, 0.05, 60, False, "high"),  # nights enough, not shown
        (0.005, 0.5, 60, True, "mean"),  # too noisy to be asked for
    ],
)
def test_a_refit_is_held_to_what_nights_can_show(
    mean: float, sd: float, count: int, passes: bool, on: str
) -> None:
    found = refresh(nights(mean, sd, count), TWAP)
    assert (found.passes, found.bound_on) == (passes, on)
    assert found.mean == pytest.approx(mean)
    assert found.low < found.mean < found.high


def test_the_night_from_which_a_bound_is_asked_for() -> None:
    assert strict_from(nights(0, DELTA, 10), DELTA) == pytest.approx(8.2)
    rng = np.random.default_rng(0)
    count = int(np.ceil(strict_from(nights(0, DELTA, 10), DELTA)))
    honest = [refresh(DELTA * rng.standard_normal(count), TWAP).passes for _ in range(2000)]
    assert 0.7 < np.mean(honest) < 0.95  # about eight of ten


def test_a_family_that_is_no_better_seldom_passes_any_look() -> None:
    rng = np.random.default_rng(1)
    count = 800
    passed = 0
    for _ in range(count):
        some = rng.standard_t(4, LAST_LOOK)
        passed += any(
            change_of_family(some[:n]).passes for n in range(FIRST_LOOK, LAST_LOOK + 1, 1)
        )
    assert passed / count <= 0.05 + 2 * (0.05 * 0.95 / count) ** 0.5


def test_rivals_share_the_level_of_one() -> None:
    rng = np.random.default_rng(2)
    count, rivals = 120, 4
    passed = 0
    for _ in range(count):
        some = rng.standard_normal((rivals, LAST_LOOK)) + rng.standard_normal(LAST_LOOK)
        passed += any(
            change_of_family(one[:n], rivals).passes
            for one in some
            for n in range(FIRST_LOOK, LAST_LOOK + 1)
        )
    assert passed / count <= 0.05 + 2 * (0.05 * 0.95 / count) ** 0.5
    better = nights(-1.0, 2.2, 12)
    assert change_of_family(better, 1).bound == 5 * change_of_family(better, 5).bound
    with pytest.raises(ValueError, match="rivals"):
        change_of_family(better, 0)


def test_looks_are_from_the_fifth_night_to_the_thirtieth() -> None:
    better = nights(-1.0, 0.1, 40)
    assert not change_of_family(better[:4]).passes
    assert change_of_family(better[:5]).passes
    assert change_of_family(better[:30]).passes
    assert not change_of_family(better[:31]).passes
    assert change_of_family(nights(1.0, 0.1, 10)).value > 1 - LEVEL
    assert not change_of_family(np.zeros(10)).passes
    assert change_of_family(-np.ones(10)).passes


def test_unusable_nights_are_named() -> None:
    with pytest.raises(ValueError, match="difference"):
        refresh([0.0, np.nan], TWAP)
    with pytest.raises(ValueError, match="yardstick"):
        refresh([0.0], 0.0)
