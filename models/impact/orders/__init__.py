"""Impact by the order route: Almgren's law fitted to parent orders."""

from models.impact.orders.almgren import PUBLISHED, Almgren
from models.impact.orders.cost import FittedLaw, OrderShape
from models.impact.orders.equations import COEFFICIENTS, Form
from models.impact.orders.fit import fit_orders, leave_day_out, point_estimates
from models.impact.orders.order_fit import OrderFit
from models.impact.orders.parent_orders import ParentOrders

__all__ = [
    "COEFFICIENTS",
    "PUBLISHED",
    "Almgren",
    "FittedLaw",
    "Form",
    "OrderFit",
    "OrderShape",
    "ParentOrders",
    "fit_orders",
    "leave_day_out",
    "point_estimates",
]
