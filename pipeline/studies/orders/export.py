"""An order fit as `params.json`: the law of every symbol by period, and what is not known of it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.impact.orders.almgren import TURNOVER_EXPONENT
from models.impact.orders.equations import RATE
from models.impact.orders.order_fit import OrderFit
from pipeline.engine.code import code_version
from pipeline.engine.config import DataConfig
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, Session, SessionCalendar
from pipeline.engine.store import write_file
from pipeline.parameters.export import iso
from pipeline.parameters.schema import (
    SCHEMA,
    UNITS,
    Calendar,
    Law,
    Params,
    Period,
    Reference,
    SymbolParams,
    Valid,
    dump_params,
)
from pipeline.parameters.sections import Matrix, OrderLawSection, SlicingSection, Warned
from pipeline.studies.data import folder_dataset
from pipeline.studies.orders.profile import FLAT, DayProfile, read_profile
from pipeline.studies.orders.route import OrderCalibration

Floats = NDArray[np.float64]
NAMES = ("log_alpha_0", "k", "beta", "theta", "gamma")
LENGTHS = 5  # sessions of which the longest is a whole one
NO_REFILL = SlicingSection(
    half_life_seconds=None, half_life_upper_seconds=None, lasting=0.0, least_child_shares=1.0
)
SAME_LENGTH = 0.01  # of a day's length


@dataclass(frozen=True, eq=False)
class Exported:
    """A fit on its way to a file.

    day: the session's share of a whole day; reach: days, the median duration of its orders.
    """

    fit: OrderFit
    session: Session
    day: float
    profile: DayProfile
    reach: float
    warnings: tuple[Warned, ...]


def export_orders(found: OrderCalibration, data: DataConfig, profile: str | None, path: str) -> str:
    """Write the fit as a parameter file and say what is in it.

    data: calendar and length of a period; profile: a file, or None for the flat one.
    Raises: InputError as `params_of_orders`; when a file cannot be read or written.
    """
    calendar = SessionCalendar(data.calendar, data.period_seconds)
    day = _last_day(found)
    shares = read_profile(profile, calendar, day)
    known = folder_dataset(found.request.data).fingerprint
    params = params_of_orders(found, calendar, shares, known)
    write_file(path, dump_params(params))
    count = len(params.symbols)
    return (
        f"{path}: {count} symbol{'s' if count > 1 else ''}, {params.calendar.periods} periods of "
        f"{calendar.period_seconds} s from {params.valid.start}; volume and sigma by period "
        f"{shares.said}"
    )


def params_of_orders(
    found: OrderCalibration, calendar: SessionCalendar, profile: DayProfile, data_hash: str
) -> Params:
    """Return the parameter file of the session after the sample's last day.

    Every symbol has the price, V, sigma and Theta/V of its last order; volume and sigma by period
    are those of the day shared out by the profile.
    Raises: InputError where the fit is no cost law, or the calendar's day is not the orders'.
    """
    fit, levels = found.fits[0], found.sample.levels
    if not fit.law.eta > 0:
        raise InputError(
            f"--export: eta is {fit.law.eta:.3g}: the orders show no temporary cost that a plan "
            "could weigh; give more orders"
        )
    session = _session(found, calendar)
    exported = Exported(
        fit=fit,
        session=session,
        day=min(_traded(session) / found.sample.day_seconds, 1.0),
        profile=profile,
        reach=_reach(found),
        warnings=_warnings(found, profile),
    )
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Params(
        schema_=SCHEMA,
        created=created,
        code_version=code_version(),
        data_hash=data_hash,
        valid=Valid(start=iso(int(session.open_ns)), end=iso(int(session.close_ns))),
        calendar=Calendar(
            name=calendar.name,
            timezone=calendar.timezone,
            periods=session.periods,
            period_seconds=calendar.period_seconds,
        ),
        symbols={
            str(row.Index): _symbol(exported, str(row.Index), row._asdict())
            for row in levels.itertuples()
        },
    )


def _last_day(found: OrderCalibration) -> str:
    last = str(found.sample.levels["date"].max())
    try:
        date.fromisoformat(last)
    except ValueError:
        raise InputError(
            f"--export: the sample's last day is called {last}, which no session follows; name "
            "days as 2025-01-31"
        ) from None
    return last


def _session(found: OrderCalibration, calendar: SessionCalendar) -> Session:
    """Return the session after the sample's last day, whose calendar has days of its length."""
    last = _last_day(found)
    whole = max((one.close_ns - one.open_ns) / 1e9 for one in calendar.sessions_from(last, LENGTHS))
    day = found.sample.day_seconds
    if abs(whole / day - 1) > SAME_LENGTH:
        raise InputError(
            f"--export: a session of {calendar.name} has {whole:,.0f} s, a day of the orders "
            f"{day:,.0f}; give --calendar, or day_seconds in --columns"
        )
    return calendar.next_session(last)


def _reach(found: OrderCalibration) -> float:
    return float(np.median(found.sample.orders.duration))


def _traded(session: Session) -> float:
    """Return how long a session trades, seconds."""
    return sum(end - begin for begin, end in session.stretches) / SECOND_NS


def _warnings(found: OrderCalibration, profile: DayProfile) -> tuple[Warned, ...]:
    fit = found.fits[0]
    unknown = [
        (
            "profile_" + ("flat" if profile.source == FLAT else "given"),
            f"volume and sigma by period are the day's, shared out {profile.said}: the orders do "
            "not tell them",
        ),
        (
            "not_known_by_orders",
            "not known of the orders: the spread apart from the cost, how cost moves with "
            "volatility within the day (beta is 0), the book's depth (0) and refill, intervals by "
            "period",
        ),
    ]
    if fit.form.duration != RATE:
        unknown.append(
            (
                "cost_not_by_rate",
                f"temporary cost goes as |X/V|^{fit.law.delta:.3g} T^-{fit.law.tau:.3g}; a file "
                f"has cost by rate, equal to it for orders of {_reach(found):.3g} day, the "
                "sample's median: what another duration saves or costs is not what it says",
            )
        )
    if fit.law.gamma < 0:
        unknown.append(("gamma_set_to_zero", "a negative gamma would pay round trips: it is 0"))
    told = [(caveat.code, caveat.message) for caveat in (*found.sample.caveats, *fit.warnings)]
    return tuple(Warned(code=code, message=message) for code, message in unknown + told)


def _symbol(exported: Exported, symbol: str, level: dict[str, float]) -> SymbolParams:
    """Return one symbol's section."""
    fit, (volume, variance) = exported.fit, exported.profile.of(symbol)
    price, adv, sigma = level["price"], level["adv"], level["volatility"]
    turnover = 1.0 if np.isnan(level["inverse_turnover"]) else float(level["inverse_turnover"])
    permanent = price * sigma * turnover**TURNOVER_EXPONENT / adv
    shares = adv * exported.day * volume
    risk = price * sigma * np.sqrt(exported.day * variance)
    covariance = _covariance(fit, exported.reach, float(shares.mean()), permanent)
    errors = np.sqrt(np.diag(covariance))
    return SymbolParams(
        route="orders",
        reference=Reference(
            price=price,
            volatility=float(risk.mean()),
            depth_shares=0.0,
            volume_shares=float(shares.mean()),
        ),
        law=Law(
            family="power",
            k=1 + fit.law.delta,
            beta=0.0,
            gamma=max(fit.law.gamma, 0.0) * permanent,
            theta=fit.law.delta,
        ),
        standard_errors={
            name: float(error) if error > 0 else None
            for name, error in zip(NAMES, errors, strict=True)
        },
        covariance=Matrix(names=NAMES, matrix=tuple(map(tuple, covariance.tolist()))),
        units=UNITS,
        periods=_periods(exported, price * sigma, shares, risk),
        slicing=NO_REFILL,
        profile=exported.profile.section,
        order_law=_order_law(fit),
        warnings=exported.warnings,
    )


def _periods(exported: Exported, unit: float, shares: Floats, risk: Floats) -> tuple[Period, ...]:
    """Return alpha x^k L of every period, with L = (mean volume / volume)^delta over its mean.

    unit: price times sigma, currency / share / day^(1/2); shares, risk: (N,) volume and sigma.
    """
    law, mean = exported.fit.law, float(shares.mean())
    liquidity = (mean / shares) ** law.delta
    eta = law.eta * exported.reach ** (law.delta - law.tau)  # by rate, at the median duration
    columns = {
        "i": np.arange(len(shares)),
        "start": [iso(int(one)) for one in exported.session.starts_ns],
        "alpha": unit * eta * mean**-law.delta * float(liquidity.mean()),
        "volatility": risk / risk.mean(),
        "liquidity": liquidity / liquidity.mean(),
        "sigma": risk,
        "spread": 0.0,
        "volume": shares,
        "volatility_interval": None,
        "liquidity_interval": None,
    }
    return tuple(Period(**row) for row in pd.DataFrame(columns).to_dict("records"))


def _covariance(fit: OrderFit, reach: float, mean: float, permanent: float) -> Floats:
    """Return that of `NAMES`: log alpha = log eta + (delta - tau) log reach - delta log mean."""
    slopes = np.zeros((len(NAMES), 4))  # in gamma, eta, delta, tau
    slopes[0] = [0.0, 1 / fit.law.eta, np.log(reach) - np.log(mean), -np.log(reach)]
    slopes[1, 2] = slopes[3, 2] = 1.0
    slopes[4, 0] = permanent
    return np.asarray(slopes @ fit.covariance.matrix @ slopes.T)


def _order_law(fit: OrderFit) -> OrderLawSection:
    names = fit.covariance.names
    return OrderLawSection(
        cost_by=fit.form.duration,
        **{name: float(value) for name, value in zip(names, fit.values, strict=True)},
        covariance=Matrix(names=names, matrix=tuple(map(tuple, fit.covariance.matrix.tolist()))),
    )
