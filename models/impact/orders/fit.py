"""The order route: permanent and temporary impact fitted to parent orders or imbalances."""

import numpy as np
from numpy.typing import NDArray

from models.impact.orders.almgren import Almgren
from models.impact.orders.caveats import (
    coefficient_caveats,
    curvature,
    flatness,
    free_permanent,
    noise,
)
from models.impact.orders.cost import FittedLaw
from models.impact.orders.durations import duration_test
from models.impact.orders.equations import (
    COEFFICIENTS,
    RATE,
    SIZE,
    Form,
    WeightedRows,
    weighted_rows,
)
from models.impact.orders.least_squares import LeastSquaresFit, least_squares
from models.impact.orders.order_fit import OrderFit
from models.impact.orders.parent_orders import ParentOrders
from models.inference.caveat import Caveat
from models.inference.covariance import Covariance

Floats = NDArray[np.float64]
FALLBACK_DELTA = 0.5  # the square-root law, where the data do not tell the exponent
LEAST_ORDERS = 10


def fit_orders(orders: ParentOrders, joint: bool = False, form: Form | None = None) -> OrderFit:
    """Fit gamma, eta and the exponents by weighted least squares, errors clustered by day.

    Two-step: I on its regressor, then J - I/2, with the measured I, on its own. joint: both at
    once, weighted by the covariance of their residuals, iterated. The weights are those of a
    Brownian price: the variance of I is sigma^2 horizon, that of J - I/2 is sigma^2 (horizon / 4 -
    T / 6), each times a scale that is estimated. form: as given; else with both exponents free cost
    by rate and by size are tested at 1 %, and the one that stands is fitted: by rate where both do,
    with a caveat and the other law beside it, free exponents where neither does. Where the data do
    not tell delta it is set to 0.5, with a caveat. The joint fit leans on I being linear in X
    (through the correlation of the residuals), the two-step fit's eta and delta do not: a caveat
    says when the free exponent of I is not 1.
    Raises: ValueError with fewer than ten usable orders or two days.
    Source: Almgren, Thum, Hauptmann, Li 2005 (law, and variances from its equations of I and J);
    Zellner 1962 and Gallant 1975, "Seemingly unrelated nonlinear regressions", for the joint fit.
    """
    usable = orders.usable
    used = orders.take(usable)
    if len(used) < LEAST_ORDERS:
        raise ValueError(f"orders: {len(used)} are usable, at least {LEAST_ORDERS} are needed")
    rows = weighted_rows(used)
    test = duration_test(rows) if form is None else None
    asked = form or Form(RATE if test is None or test.told is None else test.told)
    fit, caveats = _told_delta(rows, asked, joint)
    undecided = None if test is None else test.caveat()
    other = None
    if undecided and test is not None and test.told is None:
        other = _fitted(rows, _told_delta(rows, Form(SIZE), joint)[0])
    exponent, law = free_permanent(rows), _fitted(rows, fit)
    days = len(np.unique(used.day))
    return OrderFit(
        method="joint" if joint else "two-step",
        form=fit.form,
        durations=test,
        law=law.law,
        covariance=law.covariance,
        other=other,
        n=len(used),
        n_unfinished=int((rows.filled < 1).sum()),
        n_excluded=int((~usable).sum()),
        clusters=days,
        r2_permanent=fit.r2[0],
        r2_temporary=fit.r2[1],
        scale_permanent=float(fit.spread[0, 0] ** 0.5),
        scale_temporary=float(fit.spread[1, 1] ** 0.5),
        correlation=float(fit.spread[0, 1] / np.sqrt(fit.spread[0, 0] * fit.spread[1, 1])),
        permanent_exponent=exponent,
        warnings=(
            *([undecided] if undecided else []),
            *caveats,
            *curvature(exponent, days),
            *noise(rows, fit),
            *coefficient_caveats(fit.values, law.covariance.standard_errors, days),
        ),
    )


def _fitted(rows: WeightedRows, fit: LeastSquaresFit) -> FittedLaw:
    return FittedLaw(Almgren(*fit.values.tolist()), Covariance(COEFFICIENTS, fit.covariance(rows)))


def _told_delta(
    rows: WeightedRows, form: Form, joint: bool
) -> tuple[LeastSquaresFit, list[Caveat]]:
    """Return the fit, with the square-root law where the data do not tell delta."""
    fit = least_squares(rows, form, joint)
    reason = "" if form.delta is not None else flatness(rows, fit)
    if not reason:
        return fit, []
    message = f"{reason}; the square-root law is fitted: delta is set to 0.5"
    caveat = Caveat("delta_not_identified", message)
    line = RATE if form.duration not in (RATE, SIZE) else form.duration
    return least_squares(rows, Form(line, FALLBACK_DELTA), joint), [caveat]


def point_estimates(orders: ParentOrders, forms: tuple[Form, Form] = (Form(), Form())) -> Floats:
    """Return gamma, eta, delta, tau of the two-step fit and of the joint one, (8,).

    Without errors, for resampling. orders: usable ones only; forms: of either fit.
    """
    rows = weighted_rows(orders)
    return np.concatenate(
        [
            least_squares(rows, form, joint).values
            for joint, form in zip((False, True), forms, strict=True)
        ]
    )


def leave_day_out(orders: ParentOrders, day: int, form: Form = Form()) -> Floats:
    """Return the two-step estimates without this day, (4,).

    orders: usable ones only.
    """
    return least_squares(weighted_rows(orders.take(orders.day != day)), form).values
