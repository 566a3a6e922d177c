"""Whether days, and what is forecast from them, can be believed: each failure is a finding."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.microstructure.screening import NORMAL
from pipeline.engine.findings import Finding, finding_table
from pipeline.engine.tables import Forecast

Floats = NDArray[np.float64]
LEAST_TRADES = 50  # of a day, before quotes are held against them
OUTSIDE_SHARE = 1 / 3  # of trades outside the quotes that stood before them
CROSSED_SHARE = 1 / 3  # of quotes crossed or locked
SIGMA_RANGE = 5.0  # the day's standard deviation over the range of its trades and the half spread
SPREAD_RANGE = 3.0  # the half spread over the range of the day's trades
FORECAST_FACTOR = 5.0  # between what is forecast for the session and the history's mean
NEIGHBOURS = 5  # days to either side that a day is held against
FEW_NEIGHBOURS = 3  # from which on a day may be unlike them without being in another scale
DEVIATIONS = 6.0  # robust ones between a day and its neighbours, in logs, and at least a factor of
UNLIKE = {"spread": 10.0, "volume": 20.0, "rows": 5.0, "depth": 10.0, "trade_size": 10.0}
SCALES = {  # the factor that no two days near each other differ by, and the code of one that does
    "price": (5.0, "two_scales"),
    "depth": (100.0, "two_size_scales"),
    "trade_size": (100.0, "two_size_scales"),
}
MORE_OUTSIDE = 0.1  # of a day's trades, outside the quotes, than on the days beside it
NAMES = {
    "price": "median mid",
    "spread": "median spread",
    "volume": "volume a minute",
    "rows": "quotes a minute",
    "depth": "typical shares at the best prices",
    "trade_size": "typical trade",
}


def judge_days(measures: pd.DataFrame, crossed: pd.Series) -> pd.DataFrame:
    """Return the findings of a symbol's days, each by itself and against its neighbours.

    measures: one row a day, of `pipeline.stages.screening.day_measures`; crossed: rows crossed or
    locked that cleaning left out, by date.
    """
    if measures.empty:
        return finding_table(())
    days = measures.sort_values("date", ignore_index=True)
    alone = [one for row in days.itertuples() for one in _alone(row, int(crossed.get(row.date, 0)))]
    return finding_table([*alone, *_scales(days), *_unlike(days), *_outside(days)])


def _finding(code: str, day: Any, rows: int, message: str) -> Finding:
    return Finding(code, day.date, int(day.first), int(day.last), rows, message)


def _alone(day: Any, crossed: int) -> Iterator[Finding]:
    """Yield what a day says against itself."""
    if crossed > CROSSED_SHARE * (day.quotes + crossed):
        message = (
            f"{crossed:,} of {day.quotes + crossed:,} quotes are crossed or locked, at most "
            f"{CROSSED_SHARE:.0%} can be: are they of several venues?"
        )
        yield _finding("crossed_quotes", day, crossed, message)
    if day.sigma > day.price > 0:
        message = (
            f"the mid's standard deviation over the day is {day.sigma:,.4g} at {day.price:,.4g}"
        )
        yield _finding("sigma_unbelievable", day, int(day.quotes), message)
        return
    if day.trades < LEAST_TRADES:
        return
    if day.outside > OUTSIDE_SHARE:
        message = (
            f"{day.outside:.0%} of {day.trades:,} trades lie outside the quotes that stood before "
            f"them, at most {OUTSIDE_SHARE:.0%} can: the quotes are one venue's, late, or missing"
        )
        yield _finding("quotes_not_consolidated", day, int(day.outside * day.trades), message)
    if day.sigma > SIGMA_RANGE * (day.range + day.half_spread):
        message = (
            f"the mid's standard deviation over the day is {day.sigma:,.4g}, while its "
            f"{day.trades:,} trades lie within {day.range:,.4g}: the quotes are not of one market"
        )
        yield _finding("sigma_unbelievable", day, int(day.quotes), message)
    if day.half_spread > SPREAD_RANGE * day.range > 0:
        message = (
            f"the half spread is {day.half_spread:,.4g} on average, while the day's {day.trades:,} "
            f"trades lie within {day.range:,.4g}"
        )
        yield _finding("spread_unbelievable", day, int(day.quotes), message)


def _logs(days: pd.DataFrame, name: str) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(days[name].to_numpy(dtype=np.float64))


def _near(days: pd.DataFrame, values: Floats) -> Iterator[tuple[Any, float, Floats]]:
    """Yield each day with its value and its neighbours', where there are any."""
    for place, day in enumerate(days.itertuples()):
        near = np.r_[values[max(place - NEIGHBOURS, 0) : place], values[place + 1 :][:NEIGHBOURS]]
        near = near[np.isfinite(near)]
        if len(near) and np.isfinite(values[place]):
            yield day, values[place], near


def _outside(days: pd.DataFrame) -> Iterator[Finding]:
    for day, value, near in _near(days, days["outside"].to_numpy(dtype=np.float64)):
        middle = np.median(near)
        reach = max(MORE_OUTSIDE, DEVIATIONS * NORMAL * np.median(np.abs(near - middle)))
        if len(near) >= FEW_NEIGHBOURS and day.trades >= LEAST_TRADES and value > middle + reach:
            message = (
                f"{value:.0%} of {day.trades:,} trades lie outside the quotes that stood before "
                f"them, {middle:.0%} on the {len(near)} days beside it: quotes are missing or late"
            )
            yield _finding("quotes_missing", day, int(value * day.trades), message)


def _scales(days: pd.DataFrame) -> Iterator[Finding]:
    for name, (factor, code) in SCALES.items():
        for day, value, near in _near(days, _logs(days, name)):
            middle = np.median(near)
            if abs(value - middle) > np.log(factor):
                message = (
                    f"{NAMES[name]} {np.exp(value):,.4g}, while it is {np.exp(middle):,.4g} on the "
                    f"{len(near)} days beside it: another unit, or a split"
                )
                yield _finding(code, day, int(day.quotes), message)


def _unlike(days: pd.DataFrame) -> Iterator[Finding]:
    for name, factor in UNLIKE.items():
        for day, value, near in _near(days, _logs(days, name)):
            middle = np.median(near)
            apart = NORMAL * np.median(np.abs(near - middle))
            beyond = abs(value - middle) > max(np.log(factor), DEVIATIONS * apart)
            known = SCALES.get(name, (np.inf,))[0]
            if len(near) >= FEW_NEIGHBOURS and beyond and abs(value - middle) <= np.log(known):
                message = (
                    f"{NAMES[name]} {np.exp(value):,.4g}, while it is {np.exp(middle):,.4g} on the "
                    f"{len(near)} days beside it"
                )
                yield _finding("day_unlike_others", day, int(day.quotes), message)


def judge_forecast(forecast: Forecast, periods: pd.DataFrame) -> pd.DataFrame:
    """Return the finding that what is forecast for the session is far from the history's mean.

    periods: the past ones, of `pipeline.stages.history.past_periods`; of those the same periods of
    the day count, or all where there are none.
    """
    horizon = forecast.horizon
    same = periods[periods["period"].isin(horizon["period"])]
    past = same if len(same) else periods
    found = []
    realized = {
        "volume": past["volume"],
        "volatility": np.sqrt(past["realized_variance"]),
        "half_spread": past["half_spread"],
    }
    for name, values in realized.items():
        mean, ahead = float(values.mean()), float(horizon[name].mean())
        ratio = ahead / mean if mean > 0 else 1.0
        if not 1 / FORECAST_FACTOR <= ratio <= FORECAST_FACTOR:
            first, last = int(horizon["start"].iloc[0]), int(horizon["start"].iloc[-1])
            message = (
                f"{name.replace('_', ' ')} of {ahead:,.4g} a period is forecast for the session, "
                f"the history's mean is {mean:,.4g}: beyond a factor of {FORECAST_FACTOR:g}"
            )
            date = str(pd.Timestamp(first).date())
            found.append(Finding("forecast_unbelievable", date, first, last, 0, message))
    return finding_table(found)
