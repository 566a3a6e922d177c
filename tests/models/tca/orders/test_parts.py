"""Parts of the shortfall of many orders: they sum to Perold's, whatever is known of the market."""

import numpy as np
import pytest

from models.tca.orders.parts import PARTS, OrderFills, Parents, cost_parts
from models.tca.shortfall import Benchmark, Fills, shortfall


def book(seed: int, orders: int = 40) -> tuple[Parents, OrderFills]:
    """Return orders with 0 to 12 fills, some of unknown mid or touch, some not filled up."""
    rng = np.random.default_rng(seed)
    number = rng.integers(0, 13, orders)
    order = np.repeat(np.arange(orders), number)
    sign = rng.choice([-1.0, 1.0], orders)
    arrival = rng.uniform(5, 500, orders)
    shares = rng.integers(1, 400, len(order)).astype(float)
    filled = np.bincount(order, shares, orders)
    rest = np.where(rng.random(orders) < 0.5, 0.0, rng.integers(1, 500, orders))
    whole = filled + np.where(filled + rest > 0, rest, 100.0)
    mid = arrival[order] * (1 + 0.01 * rng.standard_normal(len(order)))
    best = mid + sign[order] * rng.uniform(0, 0.02, len(order))
    price = best + sign[order] * rng.uniform(-0.01, 0.05, len(order))
    mid[rng.random(len(mid)) < 0.2] = np.nan
    best[(rng.random(len(mid)) < 0.2) | np.isnan(mid)] = np.nan
    parents = Parents(
        sign=sign,
        shares=whole,
        decision=arrival * (1 + 0.005 * rng.standard_normal(orders)),
        arrival=arrival,
        exit=arrival * (1 + 0.01 * rng.standard_normal(orders)),
        commission=rng.uniform(0, 3, orders),
        fees=rng.uniform(-1, 1, orders),
    )
    fills = OrderFills(
        order=order,
        shares=shares,
        price=price,
        best=best,
        mid=mid,
        own=rng.uniform(0, 0.01, len(order)),
        commission=rng.uniform(0, 0.1, len(order)),
        fees=rng.uniform(0, 0.1, len(order)),
    )
    return parents, fills


def perold(parents: Parents, fills: OrderFills, at: int) -> float:
    """Return paper less real, currency: bought at decision, held to the exit, against the fills."""
    own = fills.order == at
    sign, whole = parents.sign[at], parents.shares[at]
    paper = sign * whole * (parents.exit[at] - parents.decision[at])
    real = sign * float(fills.shares[own] @ (parents.exit[at] - fills.price[own]))
    explicit = parents.commission[at] + parents.fees[at]
    explicit += (fills.commission + fills.fees)[own].sum()
    return paper - real + explicit


@pytest.mark.parametrize("seed", range(5))
def test_parts_sum_to_perolds_shortfall_of_every_order_and_of_the_book(seed: int) -> None:
    parents, fills = book(seed)
    found = cost_parts(parents, fills)
    each = sum(found.orders[name] for name in PARTS)
    expected = np.array([perold(parents, fills, at) for at in range(len(parents.sign))])
    scale = parents.shares * parents.arrival
    np.testing.assert_allclose(each / scale, expected / scale, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.total / scale, expected / scale, rtol=0, atol=1e-13)
    assert abs(each.sum() - expected.sum()) < 1e-9 * scale.sum() / 1e4
    assert set(found.orders) == set(PARTS)


def test_parts_of_fills_sum_to_those_of_their_orders_by_any_grouping() -> None:
    parents, fills = book(11)
    found = cost_parts(parents, fills)
    venue = np.random.default_rng(0).integers(0, 3, len(fills.order))
    for name, amount in found.fills.items():
        of_orders = np.bincount(fills.order, amount, len(parents.sign))
        whole = found.orders[name]
        if name in ("commission", "fees"):
            whole = whole - getattr(parents, name)
        np.testing.assert_allclose(of_orders, whole, atol=1e-9)
        assert np.bincount(venue, amount).sum() == pytest.approx(whole.sum(), abs=1e-9)


def test_what_is_not_known_of_a_fill_is_not_split() -> None:
    parents, fills = book(3)
    found = cost_parts(parents, fills).fills
    no_mid = np.isnan(fills.mid)
    no_touch = np.isnan(fills.best) & ~no_mid
    assert no_mid.any()
    assert no_touch.any()
    for name in ("spread", "walk", "permanent", "drift"):
        assert (found[name][no_mid] == 0).all()
    assert (found["spread"][no_touch] == 0).all()
    assert (found["drift"][no_touch] != 0).all()
    assert (found["unsplit"][~no_mid & ~no_touch] == 0).all()


def test_it_is_the_shortfall_of_a_replayed_order_where_nothing_is_delayed_or_charged() -> None:
    shares = np.array([200.0, 300.0, 100.0])
    price, best = np.array([10.03, 10.06, 10.02]), np.array([10.02, 10.04, 10.02])
    mid = np.array([10.01, 10.03, 10.0])
    gamma = 1e-6
    alone = shortfall(Fills(shares, price, best, mid), Benchmark(1, 600, 10.0, 10.1, gamma, 0.0))
    moved = gamma * (np.cumsum(shares) - shares / 2)  # a replay's prices do not hold it
    zero = np.zeros(3)
    parents = Parents(*(np.array([each]) for each in (1.0, 600.0, 10.0, 10.0, 10.1, 0.0, 0.0)))
    fills = OrderFills(
        np.zeros(3, int), shares, price + moved, best + moved, mid + moved, moved, zero, zero
    )
    found = cost_parts(parents, fills)
    unit = 1e4 / (600 * 10.0)
    for name in ("spread", "walk", "permanent", "drift", "opportunity"):
        assert unit * found.orders[name][0] == pytest.approx(getattr(alone, name), abs=1e-10)
    assert unit * found.total[0] == pytest.approx(alone.total, abs=1e-10)


def test_more_filled_than_ordered_is_refused() -> None:
    parents, fills = book(0)
    few = Parents(**{**vars(parents), "shares": parents.shares / 100})
    with pytest.raises(ValueError, match="more than"):
        cost_parts(few, fills)
