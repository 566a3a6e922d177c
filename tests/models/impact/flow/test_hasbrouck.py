"""The long-run response against statsmodels' VAR, hand-made regressions and planted propagators."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.signal import lfilter
from statsmodels.tsa.api import VAR

from benchmarks.flow import PLANTED, covered, recover
from models.impact.flow.hasbrouck import RESPONSES, fit_hasbrouck


def system(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return r, x of a VAR(2) with feedback, and the session labels of one session."""
    rng = np.random.default_rng(seed)
    r, x = np.zeros(n), np.zeros(n)
    shocks = rng.standard_normal((2, n)) * [[0.02], [900.0]]
    for t in range(2, n):
        x[t] = 0.3 * x[t - 1] + 0.1 * x[t - 2] - 4000 * r[t - 1] + shocks[1, t]
        r[t] = 2e-5 * x[t] - 4e-6 * x[t - 1] - 2e-6 * x[t - 2] - 0.1 * r[t - 1] + shocks[0, t]
    return r, x, np.zeros(n, dtype=np.int64)


PERMANENT = (2e-5 - 4e-6 - 2e-6) / 1.1
FOLLOW_ON = 1 / (1 - 0.4 + 4000 * PERMANENT)


def test_two_groups_are_the_plain_var_of_statsmodels():
    r, x, session = system(1, 3000)
    fit = fit_hasbrouck(r, x, session, groups=2)
    var = VAR(np.column_stack([x, r])).fit(2, trend="c")
    shock = np.array([1.0, var.sigma_u[1, 0] / var.sigma_u[0, 0]])
    follow_on, information = var.long_run_effects() @ shock
    assert fit.n == var.nobs
    assert fit.immediate == pytest.approx(shock[1], rel=1e-9)
    assert fit.information == pytest.approx(information, rel=1e-9)
    assert fit.follow_on == pytest.approx(follow_on, rel=1e-9)
    assert fit.permanent == pytest.approx(information / follow_on, rel=1e-9)
    assert fit.transient == pytest.approx(fit.immediate - fit.permanent, rel=1e-9)


def test_errors_are_the_delta_method_on_white_errors():
    r, x, session = system(2, 800)
    fit = fit_hasbrouck(r, x, session, groups=2)
    design = sm.add_constant(np.column_stack([x[2:], x[1:-1], r[1:-1], x[:-2], r[:-2]]))
    found = sm.OLS(r[2:], design).fit(cov_type="HC0")

    def permanent(b: np.ndarray) -> float:
        return (b[1] + b[2] + b[4]) / (1 - b[3] - b[5])

    steps = np.diag(found.bse * 1e-4)
    gradient = np.array(
        [
            (permanent(found.params + step) - permanent(found.params - step)) / (2 * step.sum())
            for step in steps
        ]
    )
    expected = np.sqrt(gradient @ found.cov_params() @ gradient * len(r[2:]) / (len(r[2:]) - 1))
    assert fit.standard_error == pytest.approx(expected, rel=1e-6)
    assert fit.covariance.standard_errors[0] == pytest.approx(
        found.bse[1] * np.sqrt(798 / 797), rel=1e-9
    )


def test_planted_system_lies_within_its_errors():
    truth = np.array([2e-5, PERMANENT, 2e-5 - PERMANENT, PERMANENT * FOLLOW_ON])
    fits = [fit_hasbrouck(*system(seed, 800), groups=2) for seed in range(60)]
    z = np.array(
        [
            ([getattr(fit, name) for name in RESPONSES] - truth) / fit.covariance.standard_errors
            for fit in fits
        ]
    )
    assert (np.abs(z.mean(axis=0)) < 3.5 / np.sqrt(60)).all()
    assert ((z.std(axis=0) > 0.75) & (z.std(axis=0) < 1.3)).all()


def test_groups_sum_lags_within_sessions_and_around_holes():
    rng = np.random.default_rng(3)
    session = np.repeat([5, 6, 7], [130, 110, 160])
    x = rng.standard_normal(400) * 500
    r = 1e-5 * x + 0.01 * rng.standard_normal(400)
    r[[140, 290]], x[50] = np.nan, np.nan
    groups = [range(1, 2), range(2, 3), range(3, 5), range(5, 9)]
    rows, early = [], 0
    for t in range(400):
        reached = [t - lag for lag in range(9)]
        early += min(reached) < 0 or session[reached[-1]] != session[t]
        if (
            min(reached) >= 0
            and session[reached[-1]] == session[t]
            and np.isfinite(r[reached] + x[reached]).all()
        ):
            rows.append(t)
    design = np.array(
        [
            [
                1.0,
                x[t],
                *(
                    series[[t - lag for lag in group]].sum()
                    for group in groups
                    for series in (x, r)
                ),
            ]
            for t in rows
        ]
    )
    b = np.linalg.lstsq(design, r[rows])[0]
    widths = np.array([len(group) for group in groups])
    expected = (b[1] + b[2::2] @ widths) / (1 - b[3::2] @ widths)
    fit = fit_hasbrouck(r, x, session, groups=4)
    assert fit.permanent == pytest.approx(expected, rel=1e-8)
    assert (fit.n, fit.n_early, fit.n_unknown) == (len(rows), early, 400 - len(rows) - early)
    rest = r[rows] - design @ b
    assert fit.r2 == pytest.approx(
        1 - rest @ rest / ((r[rows] - r[rows].mean()) ** 2).sum(), rel=1e-9
    )


def test_the_order_is_akaikes_and_one_more():
    r, x, session = system(4, 2000)
    fit = fit_hasbrouck(r, x, session)
    criteria = []
    for groups in range(7):  # 2000 / 20 = 100 periods hold 64 lags
        columns = [x[64:]]
        for low, high in [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64)][:groups]:
            columns += [
                sum(series[64 - lag : len(r) - lag] for lag in range(low, high + 1))
                for series in (x, r)
            ]
        criteria.append(sm.OLS(r[64:], sm.add_constant(np.column_stack(columns))).fit().aic)
    assert fit.criterion == int(np.argmin(criteria))
    assert fit.groups == fit.criterion + 1
    assert fit.lags == 2 ** (fit.groups - 1)


def test_units_and_scale_change_nothing():
    r, x, session = system(5, 900)
    fit, other = fit_hasbrouck(r, x, session), fit_hasbrouck(r * 1e4, x / 100, session)
    assert other.permanent == pytest.approx(fit.permanent * 1e6, rel=1e-9)
    assert other.standard_error == pytest.approx(fit.standard_error * 1e6, rel=1e-9)
    assert other.follow_on == pytest.approx(fit.follow_on, rel=1e-9)


@pytest.mark.parametrize(
    "planted",
    [one for one in PLANTED if one.period == 60 and one.days == 5],
    ids=lambda one: f"half-life {one.half_life} s",
)
def test_planted_permanent_impact_is_told_from_what_decays(planted):
    found = recover(planted, 20)
    response, kyle = found["hasbrouck"], found["kyle"]
    z = response[:, 0] / response[:, 1]
    assert abs(z.mean()) < 3.5 / np.sqrt(20)
    assert (
        covered(response) >= 0.8
    )  # of 20 intervals of 95 %, 16 or more: all but 0.3 % of the time
    if planted.half_life:
        assert kyle[:, 0].mean() > 0.3  # the slope within the period takes the decaying part in
        third = planted.period / 3  # shorter half-lives cannot be told apart
        assert np.nanmedian(found["half-life"]) == pytest.approx(
            planted.half_life, rel=0.25, abs=third
        )
    else:
        assert abs(kyle[:, 0].mean()) < 0.03


def propagated(
    response: np.ndarray, n: int = 4000, noise: float = 0.004
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return r, x, session where a share moves the price by response[l] after l periods.

    The last one is for good.
    """
    rng = np.random.default_rng(8)
    x = 500 * rng.standard_normal(n)
    return (
        lfilter(np.diff(response, prepend=0), [1.0], x) + noise * rng.standard_normal(n),
        x,
        np.zeros(n, np.int64),
    )


def codes(fit) -> set[str]:
    return {caveat.code for caveat in fit.warnings}


def test_half_life_is_between_periods():
    fit = fit_hasbrouck(*propagated(1e-5 + 1e-5 * np.array([1.0, 0.8, 0.0]), n=20_000, noise=0.001))
    assert fit.half_life == pytest.approx(1 + 0.3 / 0.8, abs=0.05)
    assert fit.immediate == pytest.approx(2e-5, rel=0.01)
    assert fit.permanent == pytest.approx(1e-5, rel=0.02)
    assert not codes(fit)


def test_what_speaks_against_a_fit_is_said():
    late = fit_hasbrouck(*propagated(1e-5 * np.array([1.0, 2.0])))
    assert "permanent_above_immediate" in codes(late)
    assert np.isnan(late.half_life)
    plain = fit_hasbrouck(*propagated(np.array([1e-5])))
    assert "transient_not_identified" in codes(plain)
    assert np.isnan(plain.half_life)
    assert plain.gamma == plain.permanent
    gone = fit_hasbrouck(*propagated(1e-5 * np.array([1.0, 0.0])))
    assert "gamma_not_identified" in codes(gone) or "gamma_negative" in codes(gone)
    assert gone.gamma == 0
    back = fit_hasbrouck(*propagated(1e-5 * np.array([1.0, -1.0])))
    assert "gamma_negative" in codes(back)
    assert (back.gamma, back.permanent < 0) == (0, True)
    slow = fit_hasbrouck(
        *propagated(1e-5 + 1e-5 * 0.5 ** (np.arange(600) / 80), n=1500, noise=1e-3)
    )
    assert "slow_decay" in codes(slow)
    few = fit_hasbrouck(*propagated(np.array([1e-5]), n=120))
    assert "few_periods" in codes(few)
    for fit in (late, plain, slow, few):
        assert all(code in fit.summary() for code in codes(fit))


def test_a_price_that_explodes_is_not_believed():
    r, x, session = propagated(np.array([1e-5]), n=300)
    fit = fit_hasbrouck(lfilter([1.0], [1.0, -1.02], r), x, session, groups=1)
    assert "gamma_not_identified" in codes(fit)
    assert fit.gamma == 0


def test_bad_input_is_named():
    r, x, session = system(6, 100)
    with pytest.raises(ValueError, match="signed_volume: shape"):
        fit_hasbrouck(r, x[1:], session)
    with pytest.raises(ValueError, match="session: shape"):
        fit_hasbrouck(r, x, session[1:])
    with pytest.raises(ValueError, match="groups = -1"):
        fit_hasbrouck(r, x, session, groups=-1)
    with pytest.raises(ValueError, match="mid_change: 0 periods"):
        fit_hasbrouck(r, x, np.arange(100))
    with pytest.raises(ValueError, match="mid_change: 28 periods"):
        fit_hasbrouck(r[:29], x[:29], session[:29])
    with pytest.raises(ValueError, match="signed_volume: it or mid_change is the same"):
        fit_hasbrouck(r, np.zeros(100), session)
    with pytest.raises(ValueError, match="mid_change: 0 periods"):
        fit_hasbrouck(r * np.nan, x, session)


def test_no_lags_are_kyles_slope():
    r, x, session = system(7, 500)
    fit = fit_hasbrouck(r, x, session, groups=0)
    assert fit.permanent == pytest.approx(np.polyfit(x, r, 1)[0], rel=1e-9)
    assert fit.lags == 0
    assert fit.transient == pytest.approx(0, abs=1e-18)
