"""Placebos of the order route: sides at random, and prices that no order moves."""

from dataclasses import replace

import numpy as np

from models.impact.orders.equations import Form
from models.impact.orders.fit import fit_orders
from models.impact.orders.parent_orders import ParentOrders
from models.impact.placebo.replicates import Estimates
from models.impact.placebo.shuffles import shuffle_signs


def estimate_impact(orders: ParentOrders, delta: float) -> Estimates:
    """Return gamma and eta of cost by rate at a given delta: without an effect it has no meaning.

    Raises: ValueError with too few orders or days.
    Source: `fit_orders`.
    """
    fit = fit_orders(orders, form=Form(delta=delta))
    return Estimates(
        fit.covariance.names[:2],
        fit.values[:2],
        fit.covariance.standard_errors[:2],
        fit.clusters - 1,
    )


def shuffled_orders(orders: ParentOrders, delta: float, rng: np.random.Generator) -> Estimates:
    """Estimate with sides in random order within the day.

    What a day's net side and its move have in common is left.
    """
    return estimate_impact(
        replace(orders, participation=shuffle_signs(orders.participation, orders.day, rng)), delta
    )


def random_sides(orders: ParentOrders, delta: float, rng: np.random.Generator) -> Estimates:
    """Estimate with sides drawn by a coin."""
    return estimate_impact(
        replace(
            orders,
            participation=np.abs(orders.participation) * rng.choice([-1.0, 1.0], len(orders)),
        ),
        delta,
    )


def planted_orders(orders: ParentOrders, delta: float, rng: np.random.Generator) -> Estimates:
    """Estimate with the orders as they are in a Brownian price that they do not move.

    Source: Almgren, Thum, Hauptmann, Li 2005, the error terms of I and J - I/2.
    """
    xi, chi = rng.standard_normal((2, len(orders)))
    t, h, sigma = orders.duration, orders.horizon, orders.volatility
    permanent = sigma * np.sqrt(h) * xi
    bridge = np.sqrt(t / 12 * np.maximum(4 - 3 * t / h, 0.0)) * chi
    paid = permanent / 2 + sigma * (bridge - (h - t) / (2 * np.sqrt(h)) * xi)
    return estimate_impact(replace(orders, permanent=permanent, paid=paid), delta)
