"""The order route: the paper's table, planted laws, errors against brute force, caveats."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

from benchmarks.orders import recovered
from benchmarks.simulated_orders import simulated
from models.impact.orders.almgren import PUBLISHED, Almgren
from models.impact.orders.equations import Form
from models.impact.orders.fit import FALLBACK_DELTA, fit_orders, leave_day_out, point_estimates
from models.impact.orders.parent_orders import ParentOrders

# Almgren et al. 2005, the worked examples: average daily volume, shares outstanding (millions),
# daily volatility; I; J
TABLE = {
    "IBM": (6.561, 1728, 0.0157, 20, (32.2, 24.6, 18.4)),
    "DRI": (1.929, 168, 0.0226, 22, (42.9, 32.0, 23.1)),
}
TRUTH = np.array([0.314, 0.142, 0.600])


def codes(caveats: tuple) -> set[str]:
    return {caveat.code for caveat in caveats}


@pytest.mark.parametrize("name", TABLE)
def test_the_papers_worked_table_to_the_printed_digit(name: str) -> None:
    volume, outstanding, volatility, lasting, paid = TABLE[name]
    found, cost = PUBLISHED.impact_bps(
        np.full(3, 0.1),
        np.full(3, volatility),
        np.array([0.1, 0.2, 0.5]),
        np.full(3, outstanding / volume),
    )
    assert np.round(found).tolist() == [lasting] * 3
    assert np.round(cost, 1).tolist() == list(paid)


def test_a_sale_costs_what_a_purchase_does() -> None:
    state = (np.array([0.02]), np.array([0.3]), np.array([200.0]))
    bought, sold = (PUBLISHED.impact_bps(np.array([x]), *state) for x in (0.05, -0.05))
    assert [-each for each in sold] == list(bought)


@pytest.mark.parametrize("joint", [False, True])
def test_planted_law_is_recovered_at_the_papers_r2(joint: bool) -> None:
    values, held, r2 = recovered(range(500, 520), joint)
    assert (r2.mean(axis=0) < 0.02).all()
    error = values.std(axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(values.mean(axis=0) - TRUTH) < 3 * error).all()
    assert (error < [0.03, 0.005, 0.02]).all()  # so that the line above says something
    assert 0.85 <= held.mean() <= 1.0


def test_two_step_equals_weighted_nonlinear_least_squares() -> None:
    orders = simulated(3, n=3000, days=60)
    fit = fit_orders(orders)
    x, s, t, h = orders.participation, orders.volatility, orders.duration, orders.horizon
    deviation = s * np.sqrt(h / 4 - t / 6)
    reached = least_squares(
        lambda p: (
            (orders.paid - orders.permanent / 2 - p[0] * s * np.sign(x) * np.abs(x / t) ** p[1])
            / deviation
        ),
        [0.1, 0.5],
        xtol=1e-14,
        ftol=1e-14,
    )
    assert [fit.law.eta, fit.law.delta] == pytest.approx(reached.x, rel=1e-4)
    z = s * x * orders.inverse_turnover**0.25
    weight = 1 / (s**2 * h)
    assert fit.law.gamma == pytest.approx(
        (weight * z) @ orders.permanent / ((weight * z) @ z), rel=1e-9
    )


def test_errors_equal_those_of_statsmodels_where_delta_is_fixed() -> None:
    import statsmodels.api as sm

    orders = simulated(4, n=2000, days=40)
    fit = fit_orders(orders, form=Form(delta=0.6))
    x, s, t = orders.participation, orders.volatility, orders.duration
    weight = 1 / (s**2 * (orders.horizon / 4 - t / 6))
    peer = sm.WLS(
        orders.paid - orders.permanent / 2, s * np.sign(x) * np.abs(x / t) ** 0.6, weight
    ).fit(cov_type="cluster", cov_kwds={"groups": orders.day, "use_correction": False})
    assert fit.law.eta == pytest.approx(peer.params[0], rel=1e-10)
    assert fit.covariance.matrix[1, 1] == pytest.approx(peer.cov_params()[0, 0] * 40 / 39, rel=1e-8)
    assert fit.covariance.matrix[2, 2] == 0


def test_a_law_without_noise_is_found_by_both_to_rounding() -> None:
    orders = simulated(5, n=500, days=20)
    law = Almgren.by_rate(0.4, 0.2, 0.8)
    permanent = law.permanent(orders.participation, orders.volatility, orders.inverse_turnover)
    quiet = replace(
        orders,
        permanent=permanent,
        paid=permanent / 2
        + law.temporary(orders.participation, orders.volatility, orders.duration),
    )
    assert point_estimates(quiet)[:4] == pytest.approx([0.4, 0.2, 0.8, 0.8], rel=1e-4)
    assert leave_day_out(quiet, 3) == pytest.approx([0.4, 0.2, 0.8, 0.8], rel=1e-4)


def test_leave_day_out_is_the_fit_to_the_other_days() -> None:
    orders = simulated(6, n=20_000, days=15)
    assert leave_day_out(orders, 7) == pytest.approx(
        fit_orders(orders.take(orders.day != 7)).values, rel=1e-9
    )


def test_a_day_common_error_widens_the_interval() -> None:
    orders = simulated(7, n=8000, days=40)
    alone = replace(orders, day=np.arange(8000))
    assert (
        fit_orders(orders).covariance.standard_errors[0]
        > 1.3 * fit_orders(alone).covariance.standard_errors[0]
    )


def test_without_temporary_impact_the_exponent_is_said_to_be_unknown() -> None:
    found = [
        fit_orders(simulated(seed, Almgren.by_rate(0.314, 0.0, 0.6), n=4000, days=50))
        for seed in range(20)
    ]
    flat = [fit for fit in found if "delta_not_identified" in codes(fit.warnings)]
    assert len(flat) >= 15  # the exponent is searched for, so more than 5 % look like something
    assert all(fit.law.delta == FALLBACK_DELTA and fit.covariance.matrix[2, 2] == 0 for fit in flat)
    assert not any(
        "delta_not_identified" in codes(fit_orders(simulated(seed)).warnings) for seed in range(2)
    )


def test_caveats_say_what_is_wrong() -> None:
    orders = simulated(8, n=20_000, days=8)
    turned = replace(orders, participation=-orders.participation)
    assert {"gamma_negative", "eta_negative", "few_days"} <= codes(
        fit_orders(turned, form=Form(delta=0.5)).warnings
    )
    bent = replace(
        orders, permanent=0.1 * np.sign(orders.participation) * np.abs(orders.participation) ** 0.4
    )
    assert "permanent_not_linear" in codes(fit_orders(bent, form=Form(delta=0.5)).warnings)
    assert "permanent_not_linear" not in codes(fit_orders(simulated(9)).warnings)
    assert "noise_not_brownian" in codes(
        fit_orders(replace(orders, volatility=orders.volatility / 10)).warnings
    )
    heavy = replace(
        orders, participation=np.where(orders.day == 1, 40.0, 1.0) * orders.participation
    )
    assert "one_day_dominates" in codes(fit_orders(heavy, form=Form(delta=0.6)).warnings)


def test_unusable_rows_are_counted_and_too_few_refused() -> None:
    orders = simulated(10, n=1000, days=20)
    volatility, size = orders.volatility.copy(), orders.participation.copy()
    volatility[:3], volatility[3], size[4:6] = np.nan, 0.0, 0.0
    fit = fit_orders(replace(orders, volatility=volatility, participation=size))
    assert (fit.n, fit.n_excluded) == (994, 6)
    assert fit.values == pytest.approx(fit_orders(orders.take(np.arange(6, 1000))).values)
    with pytest.raises(ValueError, match=r"orders: 9 are usable"):
        fit_orders(orders.take(np.arange(9)))
    with pytest.raises(ValueError, match="cluster"):
        fit_orders(replace(orders, day=np.zeros(1000, dtype=np.int64)))
    with pytest.raises(ValueError, match="permanent"):
        fit_orders(replace(orders, permanent=np.zeros(1000), paid=np.zeros(1000)))
    with pytest.raises(ValueError, match="paid: shape"):
        replace(orders, paid=np.zeros(3))


def test_without_shares_outstanding_gamma_holds_their_fourth_root() -> None:
    orders: ParentOrders = simulated(11, Almgren.by_rate(2.0, 0.142, 0.6), n=8000)
    even = replace(orders, inverse_turnover=np.full(8000, 16.0))
    assert fit_orders(replace(even, inverse_turnover=None)).law.gamma == pytest.approx(
        2 * fit_orders(even).law.gamma
    )


def test_summary_names_every_number() -> None:
    text = fit_orders(simulated(12, n=2000, days=30)).summary()
    assert all(word in text for word in ("gamma", "eta", "delta", "tau", "R2", "days 30", "95 %"))
