"""Markouts against circular shifts: by hand, where nothing is adverse, and where it is planted."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from models.tca.adverse import AdverseMarkouts, Shifts, adverse_markouts
from models.tca.mid_path import MidPath
from models.tca.runs import Run

Floats = NDArray[np.float64]
HORIZON, ARRIVAL = 3600.0, 100.0
LAG = 5.0
SHIFTS = Shifts(0.0, HORIZON, (1.0, LAG), 99)
DROP, HELD = 0.004, 60.0  # currency, against the order; seconds until it is undone


def run(time: Floats, sign: int, cost: float = 0.01) -> Run:
    return Run(time, np.ones(len(time)), np.full(len(time), cost), sign, ARRIVAL)


def even(cost: float = 0.02) -> list[Run]:
    return [run(np.arange(0.0, HORIZON, 30.0), sign, cost) for sign in (1, -1)]


def clustered(rng: np.random.Generator) -> Floats:
    """Draw fill times in a dozen bursts, that know nothing of the mid."""
    starts = rng.uniform(0.0, HORIZON - 40.0, 12)
    return np.sort((starts[:, None] + rng.uniform(0.0, 40.0, (12, 5))).ravel())


def random_mid(rng: np.random.Generator) -> MidPath:
    """Draw a mid that moves by the second, with a volatility that wanders."""
    start = np.arange(0.0, HORIZON + LAG)
    volatility = 0.003 * np.exp(0.5 * np.sin(start / 200 + rng.uniform(0, 6)))
    mid = ARRIVAL + np.cumsum(volatility * rng.standard_normal(len(start)))
    return MidPath(start, start + 1, mid)


def planted(buys: Floats) -> tuple[Floats, Floats]:
    """Return the times and sums of drops half a second after each buy, undone a minute later."""
    times = np.concatenate([buys + 0.5, buys + 0.5 + HELD])
    order = np.argsort(times)
    moves = np.repeat([-DROP, DROP], len(buys))[order]
    return times[order], np.concatenate([[0.0], np.cumsum(moves)])


def adverse_market(rng: np.random.Generator) -> tuple[AdverseMarkouts, Floats]:
    """Return what is found where the mid falls after a policy's buys, and the truth by lag."""
    buys = clustered(rng)
    path = random_mid(rng)
    times, sums = planted(buys)

    def fallen(at: Floats) -> Floats:
        return sums[np.searchsorted(times, at, side="right")]

    policy, yardstick = [run(buys, 1)], even()[:1]
    found = adverse_markouts(policy, yardstick, lambda at: path.at(at) + fallen(at), SHIFTS, rng)
    truth = [
        np.mean(fallen(even()[0].time + lag) - fallen(even()[0].time))
        - np.mean(fallen(buys + lag) - fallen(buys))
        for lag in SHIFTS.lags
    ]
    return found, 1e4 / ARRIVAL * np.array(truth)


def test_by_hand() -> None:
    path = MidPath(
        np.array([0.0, 10.0, 20.0]), np.array([10.0, 20.0, 30.0]), np.array([9, 10, 8.0])
    )
    policy = [
        Run(np.array([6.0, 16.0]), np.array([3.0, 1.0]), np.array([0.03, 0.01]), 1, 10.0),
        Run(np.array([2.0, 17.0]), np.array([1.0, 1.0]), np.array([0.02, 0.02]), -1, 10.0),
    ]
    yardstick = [Run(np.array([8.0]), np.ones(1), np.array([0.05]), sign, 10.0) for sign in (1, -1)]
    found = adverse_markouts(
        policy, yardstick, path.at, Shifts(0.0, 20.0, (5.0, 14.0)), np.random.default_rng(0)
    )
    # buys: (3 x 1 - 2) / 4 = .25, sells: (0 + 2) / 2 = 1; after 14 s 1 against
    # both, at 30 s and later none is known
    assert found.policy == pytest.approx([1e3 * (0.25 + 1.0) / 2, -1e3])
    assert found.yardstick == pytest.approx([0.0, 0.0], abs=1e-12)
    assert found.adverse == pytest.approx(-found.policy)
    assert found.saving == pytest.approx(1e3 * (0.05 - (0.01 + 0.02) / 2))


def test_shifts_keep_distances_and_go_round() -> None:
    moved = Shifts(100.0, 200.0).moved(np.array([110.0, 195.0]), np.array([0.0, 10.0, 95.0]))
    np.testing.assert_allclose(moved, [[110.0, 195.0], [120.0, 105.0], [105.0, 190.0]])


def test_the_bound_is_where_the_test_stops_rejecting() -> None:
    rng = np.random.default_rng(3)
    found = adverse_markouts([run(clustered(rng), 1)], even()[:1], random_mid(rng).at, SHIFTS, rng)

    def less(adverse: Floats) -> Floats:
        """The p-value on the other side once an adverse cost is taken back."""
        return (1 + (found.null >= found.policy + adverse).sum(axis=0)) / 100

    assert (less(found.bound) > 0.05).all()
    assert (less(found.bound + 1e-9) <= 0.05).all()
    assert found.bound == pytest.approx(found.adverse - found.quantiles([0.05])[0], abs=0.1)
    assert found.bound_share == pytest.approx(found.bound / 1.0)  # saves 1 bp
    assert (found.error > 0).all()


def test_where_nothing_is_saved_the_bound_has_no_share() -> None:
    rng = np.random.default_rng(4)
    found = adverse_markouts(even(0.02), even(0.02), random_mid(rng).at, SHIFTS, rng)
    assert found.saving == 0.0
    assert np.isnan(found.bound_share).all()
    assert np.isfinite(found.bound).all()
    np.testing.assert_array_equal(found.adverse, 0.0)


def test_buys_and_sells_filled_together_are_never_adverse() -> None:
    rng = np.random.default_rng(7)
    times, path = clustered(rng), random_mid(rng)
    found = adverse_markouts([run(times, 1), run(times, -1)], even(), path.at, SHIFTS, rng)
    np.testing.assert_array_equal(found.p_value, 1.0)
    assert found.bound == pytest.approx(np.zeros(2), abs=1e-9)


def test_the_same_generator_gives_the_same_shifts() -> None:
    path, policy = (
        random_mid(np.random.default_rng(5)),
        [run(clustered(np.random.default_rng(6)), 1)],
    )
    nulls = [
        adverse_markouts(policy, policy, path.at, SHIFTS, np.random.default_rng(seed)).null
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(nulls[0], nulls[1])
    assert (nulls[0] != nulls[2]).any()


def test_p_is_uniform_where_fills_know_nothing() -> None:
    """Fills in bursts and a mid whose volatility wanders; 400 seeds."""
    found, bounds = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        path, policy = random_mid(rng), [run(clustered(rng), sign) for sign in (1, -1)]
        each = adverse_markouts(policy, even(), path.at, SHIFTS, rng)
        found.append(each.p_value)
        bounds.append(each.bound)
    for p in np.array(found).T:
        assert stats.kstest(p, "uniform").pvalue > 0.01
        assert stats.binomtest(int((p <= 0.05).sum()), len(p), 0.05).pvalue > 0.01
    covered = np.mean(np.array(bounds) >= 0, axis=0)
    assert (np.abs(covered - 0.95) <= 0.03).all()


def test_a_planted_fall_is_found_and_bounded() -> None:
    """0.4 bps against the policy after each fill; 300 seeds."""
    pairs = [adverse_market(np.random.default_rng(seed)) for seed in range(300)]
    truth = np.array([each for _, each in pairs])
    assert (truth > 0.4 * 0.9).all()  # fills nearby add theirs
    off = np.array([found.adverse for found, _ in pairs]) - truth
    assert (np.abs(off.mean(axis=0)) < 3 * off.std(axis=0) / np.sqrt(len(off))).all()
    found = np.mean([found.p_value <= 0.05 for found, _ in pairs], axis=0)
    covered = np.mean([found.bound >= each for found, each in pairs], axis=0)
    assert (found > 0.8).all()
    assert (np.abs(covered - 0.95) <= 0.03).all()


def test_mids_that_are_not_known_are_left_out() -> None:
    rng = np.random.default_rng(8)
    path = random_mid(rng)
    some = MidPath(path.start, path.until, np.where(path.start % 7 == 0, np.nan, path.mid))
    found = adverse_markouts([run(clustered(rng), 1)], even(), some.at, SHIFTS, rng)
    assert np.isfinite(found.p_value).all()
    none = MidPath(path.start, path.until, np.full(len(path.mid), np.nan))
    nothing = adverse_markouts([run(clustered(rng), 1)], even(), none.at, SHIFTS, rng)
    for each in (nothing.adverse, nothing.p_value, nothing.bound):
        assert np.isnan(each).all()


def test_what_cannot_be_is_refused() -> None:
    rng, path = np.random.default_rng(9), MidPath(np.zeros(1), np.ones(1), np.ones(1))
    with pytest.raises(ValueError, match="outside"):
        adverse_markouts([run(np.array([HORIZON]), 1)], even(), path.at, SHIFTS, rng)
    with pytest.raises(ValueError, match="at least one run"):
        adverse_markouts([], even(), path.at, SHIFTS, rng)
    with pytest.raises(ValueError, match="19 shifts"):
        Shifts(0.0, 1.0, (1.0,), 19)
