"""Impact by the order route: Almgren's law fitted to parent orders."""

from models.impact.orders.almgren import PUBLISHED, Almgren
from models.impact.orders.equations import ParentOrders
from models.impact.orders.fit import (
    COEFFICIENTS,
    OrderFit,
    fit_orders,
    leave_day_out,
    point_estimates,
)

__all__ = [
    "COEFFICIENTS",
    "PUBLISHED",
    "Almgren",
    "OrderFit",
    "ParentOrders",
    "fit_orders",
    "leave_day_out",
    "point_estimates",
]
