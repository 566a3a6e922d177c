"""Export: calibrations and forecasts become `params.json` and its Parquet twin."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from models.forecast.book.mid_move import HORIZON
from models.forecast.intraday.sparse.totals import liquidity_volume
from models.impact.book.cost_law import LEVEL, Family
from models.impact.book.walks import shown_sizes
from pipeline.engine.data_read import DataRead
from pipeline.engine.grades import grade_of
from pipeline.engine.tables import Calibration, Forecast
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
    finite,
)
from pipeline.parameters.sections import (
    ExtrapolationError,
    ExtrapolationSection,
    LevelsSection,
    LocalExponent,
    Matrix,
    MidMoveSection,
    SlicingSection,
    VolumeTotal,
    Warned,
    WindowSection,
)
from pipeline.parameters.shape_record import shape_section
from pipeline.parameters.taught import Taught, taught_sections


@dataclass(frozen=True)
class Provenance:
    """Where the parameters come from, until when they may be used, and in what currency."""

    created: str
    code_version: str
    data_hash: str
    expires: int  # ns
    currency: str  # "" where it is not known


@dataclass(frozen=True)
class FittedSymbol:
    """One symbol's forecast and calibration, and the level of alpha by period: period,
    log_alpha; found: code and message of what checks of files, tape and forecasts say; chosen_by:
    what its law was chosen by, or that it was held, None where nothing was compared; read: the
    days that the estimates come from; tick: the least step between best prices, NaN where none was
    seen; taught: what learners add to the law.
    """

    symbol: str
    forecast: Forecast
    calibration: Calibration
    profile: pd.DataFrame
    found: pd.DataFrame
    chosen_by: str | None
    read: DataRead
    tick: float
    taught: Taught | None = None


def export_params(
    fitted: tuple[FittedSymbol, ...], calendar: Calendar, close: int, provenance: Provenance
) -> Params:
    """Assemble the parameter file of all symbols; every symbol covers the same periods, to `close`
    (ns).

    The run's id is filled in when it publishes.
    """
    starts = fitted[0].forecast.horizon["start"]
    return Params(
        schema_=SCHEMA,
        created=provenance.created,
        code_version=provenance.code_version,
        data_hash=provenance.data_hash,
        currency=provenance.currency or None,
        valid=Valid(
            start=iso(int(starts.iloc[0])), end=iso(close), expires=iso(provenance.expires)
        ),
        calendar=calendar,
        symbols={one.symbol: _symbol(one, calendar.periods) for one in fitted},
    )


def iso(ns: int) -> str:
    """Return nanoseconds since the epoch as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).isoformat()


def flat_table(params: Params) -> pd.DataFrame:
    """Return the per-period table of all symbols, the content of `params.parquet`."""
    rows = [
        {"symbol": name} | _flat(period)
        for name, one in params.symbols.items()
        for period in one.periods
    ]
    return pd.DataFrame(rows)


def _flat(period: Period) -> dict[str, object]:
    """Return the period's numbers, an interval as two columns."""
    row = period.model_dump()
    for name in ("volatility", "liquidity"):
        row[f"{name}_low"], row[f"{name}_high"] = row.pop(f"{name}_interval") or (None, None)
    return row


def _symbol(one: FittedSymbol, periods_a_session: int) -> SymbolParams:
    facts = one.calibration.facts.iloc[0]
    table = one.calibration.parameters.set_index("name")
    value = table["value"]
    errors = {
        name: None if np.isnan(error) else finite(error)
        for name, error in table["standard_error"].items()
    }
    matrix = one.calibration.covariance
    names = tuple(matrix["name"])
    periods, has_spread = _periods(one, value), Family(facts["family"]).has_spread
    columns = pd.DataFrame([period.model_dump() for period in periods])
    warnings = pd.concat([one.found, one.calibration.warnings, one.forecast.warnings])
    return SymbolParams(
        route=facts["route"],
        reference=Reference(
            price=facts["price"],
            volatility=facts["volatility"],
            depth_shares=facts["depth_shares"],
            volume_shares=facts["volume_shares"],
        ),
        law=Law(
            family=facts["family"],
            k=value["k"],
            beta=value["beta"],
            gamma=value["gamma"],
            theta=value["theta"],
            chosen_by=one.chosen_by,
        ),
        standard_errors=errors,
        covariance=Matrix(
            names=names, matrix=tuple(map(tuple, matrix[list(names)].to_numpy().tolist()))
        ),
        units=UNITS,
        periods=periods,
        volume_total=_volume_total(one.forecast.totals),
        slicing=_slicing(facts),
        extrapolation=_extrapolation(one.calibration),
        mid_move=_mid_move(facts),
        shape=shape_section(one.forecast, one.calibration, columns, has_spread),
        **({} if one.taught is None else taught_sections(one.taught, columns, value)),
        window=WindowSection(first=one.read.first, last=one.read.last, days=one.read.days),
        tick=one.tick if np.isfinite(one.tick) else None,
        fitted_shares=_fitted_shares(one.calibration.sizes),
        levels=_levels(value, columns["i"], periods_a_session),
        warnings=tuple(
            Warned(code=row.code, message=row.message, severity=grade_of(row.code))
            for row in warnings.itertuples()
        ),
    )


def _fitted_shares(sizes: pd.DataFrame) -> tuple[float, float]:
    """Return the least and the largest size that the law was fitted on."""
    fitted = shown_sizes(sizes["size"].to_numpy(), sizes["censored"].to_numpy())
    return float(fitted.min()), float(fitted.max())


def _levels(value: pd.Series, periods: pd.Series, count: int) -> LevelsSection:
    """Return the levels as estimated, with their map to periods; count: periods of a session."""
    alpha = np.exp(value[[name for name in value.index if name.startswith(LEVEL)]].to_numpy())
    bucket = np.minimum(periods.to_numpy() * len(alpha) // count, len(alpha) - 1)
    return LevelsSection(alpha=tuple(alpha.tolist()), bucket=tuple(bucket.tolist()))


def _periods(one: FittedSymbol, value: pd.Series) -> tuple[Period, ...]:
    facts = one.calibration.facts.iloc[0]
    frame = one.forecast.horizon
    alpha = np.exp(one.profile.set_index("period")["log_alpha"].loc[frame["period"]].to_numpy())
    # L averages 1 over the history because calibration moved the mean of thinness^theta into alpha
    past = one.forecast.states["volume"].to_numpy()

    def liquid(volume: pd.Series | np.ndarray) -> np.ndarray:
        told = liquidity_volume(np.asarray(volume), past)
        return np.asarray((facts["volume_shares"] / told) ** value["theta"])

    level = np.nanmean(liquid(past))
    liquidity, thick, thin = (
        liquid(frame[name]) / level for name in ("volume", "volume_high", "volume_low")
    )
    least, most = (frame[f"volatility_{end}"] / facts["volatility"] for end in ("low", "high"))
    spread = frame["half_spread"] * Family(facts["family"]).has_spread
    columns = {
        "i": frame["period"],
        "start": frame["start"].map(iso),
        "alpha": alpha,
        "volatility": frame["volatility"] / facts["volatility"],
        "liquidity": liquidity,
        "sigma": frame["volatility"],
        "spread": spread,
        "volume": frame["volume"],
        "volatility_interval": list(zip(least, most, strict=True)),
        "liquidity_interval": list(zip(thick, thin, strict=True)),
    }
    return tuple(Period(**row) for row in pd.DataFrame(columns).to_dict("records"))


def _volume_total(totals: pd.DataFrame) -> VolumeTotal:
    row = totals.set_index("series").loc["volume"]
    return VolumeTotal(expected=row["expected"], interval=(row["low"], row["high"]))


def _slicing(facts: pd.Series) -> SlicingSection:
    half_life, upper = float(facts["refill_half_life"]), float(facts["refill_half_life_upper"])
    share = float(facts["gamma_share"])  # of what a trade moves at once, what its gamma charges
    return SlicingSection(
        half_life_seconds=half_life if np.isfinite(half_life) else None,
        half_life_upper_seconds=upper if np.isfinite(upper) else None,
        lasting=share if np.isfinite(share) else 0.0,
        least_child_shares=facts["least_child"],
    )


def _mid_move(facts: pd.Series) -> MidMoveSection:
    names = ("estimate", "standard_error", "r2_out_of_sample", "r2_error")
    found = {name: float(facts[f"mid_move_{name}"]) for name in names}
    return MidMoveSection(
        horizon_seconds=HORIZON,
        slope=facts["mid_move_slope"],
        **{name: one if np.isfinite(one) else None for name, one in found.items()},
    )


def _extrapolation(calibration: Calibration) -> ExtrapolationSection | None:
    facts, table = calibration.facts.iloc[0], calibration.sizes
    if np.isnan(facts["shown"]):
        return None
    beyond = table[table["size"] > facts["shown"]].dropna(subset="log_error")
    within = table[table["size"] <= facts["shown"]].dropna(subset="local_k")
    return ExtrapolationSection(
        shown_shares=facts["shown"],
        measured_to=facts["measured_to"],
        walk_low=facts["walk_low"],
        walk_high=facts["walk_high"],
        errors=tuple(
            ExtrapolationError(
                multiple=row.size / facts["shown"], log_bias=row.log_bias, log_error=row.log_error
            )
            for row in beyond.itertuples()
        ),
        exponents=tuple(
            LocalExponent(shares=row.size, k=row.local_k, standard_error=row.local_k_error)
            for row in within.itertuples()
        ),
    )
