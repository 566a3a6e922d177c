"""Calibrate from orders: `impact calibrate --route orders`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.impact.orders.equations import Form
from models.impact.orders.fit import fit_orders, leave_day_out, point_estimates
from models.impact.orders.order_fit import OrderFit
from models.inference.bootstrap import Bootstrap, block_bootstrap
from pipeline.engine.errors import InputError
from pipeline.engine.executor import Executor
from pipeline.studies.orders.columns import read_broker_columns
from pipeline.studies.orders.files import read_orders
from pipeline.studies.orders.market import read_market
from pipeline.studies.orders.panel import read_imbalance_panel
from pipeline.studies.orders.sample import OrderSample

Floats = NDArray[np.float64]
SOURCES = ("panel", "fills")
OTHERS = "others"  # of the panel
LEAST_REPLICATES = 50


@dataclass(frozen=True)
class OrdersRequest:
    """What was asked: source, folder, the column map of fills, replicates and their seed.

    source: "panel" or "fills"; market: None, of fills a file of prices, of a panel "others".
    """

    source: str
    data: str
    columns: str | None
    bootstrap: int
    seed: int
    market: str | None = None


@dataclass(frozen=True, eq=False)
class OrderCalibration:
    """The two-step fit (the result) and the joint one, resampled by day and without each day.

    resampled: estimates of two-step and joint, (R, 8), None when no replicates were asked for;
    without: (D, 4).
    """

    request: OrdersRequest
    sample: OrderSample
    fits: tuple[OrderFit, OrderFit]
    resampled: Bootstrap | None
    days: tuple[str, ...]
    without: Floats


def calibrate_orders(request: OrdersRequest) -> OrderCalibration:
    """Read the orders, fit them, resample days and leave each day out.

    Raises: InputError when an option, a file or the data cannot be used.
    """
    sample = _read(request)
    try:
        return _calibrated(request, sample)
    except ValueError as error:
        raise InputError(
            f"{request.data}: {error}; {len(sample.orders)} of {sample.rows} rows can be used, "
            f"left out: {_counts(sample.dropped) or 'none'}; give orders of more days"
        ) from None


def _calibrated(request: OrdersRequest, sample: OrderSample) -> OrderCalibration:
    orders = sample.orders
    two_step = fit_orders(orders)
    fits = (two_step, fit_orders(orders, joint=True, form=Form(two_step.form.duration)))
    forms = (fits[0].form, fits[1].form)
    with Executor() as executor:

        def spread(work: Callable[[Any], Any], draws: Iterable[Any]) -> list[Any]:
            return executor.map(work, list(draws), "bootstrap")

        resampled = (
            block_bootstrap(
                lambda rows: point_estimates(orders.take(rows), forms),
                orders.day,
                request.bootstrap,
                request.seed,
                spread,
            )
            if request.bootstrap
            else None
        )
        labels = np.unique(orders.day)
        without = executor.map(
            lambda day: leave_day_out(orders, day, forms[0]), labels.tolist(), "leave one out"
        )
    return OrderCalibration(
        request,
        sample,
        fits,
        resampled,
        tuple(sample.days[day] for day in labels),
        np.array(without),
    )


def _read(request: OrdersRequest) -> OrderSample:
    if request.source not in SOURCES:
        raise InputError(
            f"--source: no source '{request.source}' of orders; the sources are "
            f"{', '.join(SOURCES)}"
        )
    if request.bootstrap and request.bootstrap < LEAST_REPLICATES:
        raise InputError(
            f"--bootstrap: {request.bootstrap}, give 0 for none or at least {LEAST_REPLICATES}"
        )
    if request.seed < 0:
        raise InputError(f"--seed: {request.seed}, give 0 or more")
    if request.source == "fills":
        return _read_fills(request)
    if request.columns is not None:
        raise InputError(
            "--columns: a panel has no column map; leave it out, or use --source fills"
        )
    if request.market not in (None, OTHERS):
        raise InputError(
            f"--market {request.market}: a panel has no times; give --market {OTHERS}, the mean of "
            "the day's other stocks, or leave it out"
        )
    return read_imbalance_panel(request.data, request.market == OTHERS)


def _read_fills(request: OrdersRequest) -> OrderSample:
    columns = read_broker_columns(request.columns)
    if request.market == OTHERS:
        raise InputError(
            f"--market {OTHERS}: fills need prices at their times; give a file with time, price "
            "and symbol of several names, or of an index without symbol"
        )
    if request.market is None:
        return read_orders(request.data, columns)
    prices = read_market(request.market, columns.market, columns.timezone)
    return read_orders(request.data, columns, prices)


def _counts(dropped: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count)
