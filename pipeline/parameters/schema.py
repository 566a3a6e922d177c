"""`params.json`, the file production solvers read: its one definition, checked on write and on
read.
"""

import json
import math
from typing import Annotated, Literal

import fsspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.engine.errors import InputError

SCHEMA = "impact-params/1"
UNITS = {
    "alpha": "currency / share^k",
    "beta": "1",
    "k": "1",
    "liquidity_elasticity": "1",
    "gamma": "currency / share^2",
    "sigma": "currency / share / period^(1/2)",
    "drift": "currency / share / period",
    "spread": "currency / share",
    "volume": "shares / period",
    "volatility": "1, over reference.volatility",
    "liquidity": "1, averages 1 over the history, larger is thinner",
    "volatility_interval": "1, holds the measured volatility with probability 0.9",
    "liquidity_interval": "1, holds the liquidity of the measured volume with probability 0.9",
    "liquidity_chain.levels": "1, multiply a period's liquidity",
    "slices.factor": "1, of the cost above the spread, over that of one order a period",
    "reference.price": "currency / share",
    "reference.volatility": "currency / share / period^(1/2)",
    "reference.depth_shares": "shares",
    "reference.volume_shares": "shares / period",
}


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError("an interval's lower end comes first")
    return interval


NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Above = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = Annotated[tuple[NonNegative, NonNegative], AfterValidator(_ordered)]


class Part(BaseModel):
    """A JSON object: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Valid(Part):
    """The time the parameters are for, ISO 8601 with offset."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")


class Calendar(Part):
    """The trading session the periods divide."""

    name: str
    timezone: str
    periods: Annotated[int, Field(ge=1)]
    period_seconds: Annotated[int, Field(ge=1)]


class Reference(Part):
    """The levels that the dimensionless states are measured against."""

    price: Above
    volatility: Above
    depth_shares: NonNegative
    volume_shares: Above


class Law(Part):
    """g_i(x) = spread_i x + alpha_i x^k (1 + beta volatility_i) liquidity_i, h_i(x) = gamma_i x."""

    family: Literal["spread_power", "spread_sqrt", "power", "square_root", "linear"]
    k: Above
    beta: Finite
    gamma: Finite
    liquidity_elasticity: Finite


class Matrix(Part):
    """A covariance matrix with its parameters' names."""

    names: tuple[str, ...]
    matrix: tuple[tuple[Finite, ...], ...]

    @model_validator(mode="after")
    def _square(self) -> "Matrix":
        if {len(row) for row in (self.matrix, *self.matrix)} != {len(self.names)}:
            raise ValueError("covariance matrix must be square with one row for each name")
        return self


class Period(Part):
    """One period's numbers; `i` counts the session's periods from 0."""

    i: Annotated[int, Field(ge=0)]
    start: str
    alpha: NonNegative
    volatility: NonNegative
    liquidity: Above
    gamma: Finite
    drift: Finite
    sigma: NonNegative
    spread: NonNegative
    volume: Above
    volatility_interval: Interval
    liquidity_interval: Interval


class Slices(Part):
    """How many equal child orders a period's shares are worked in, as alpha supposes: alpha
    includes the factor.

    refill_half_life_seconds: of displayed depth after trades, null where it is not identified.
    """

    count: Annotated[int, Field(ge=1)]
    spacing_seconds: Above
    factor: Above
    factor_error: NonNegative
    refill_half_life_seconds: Above | None


class LiquidityChain(Part):
    """How liquidity moves around its forecast from period to period, for an allocator that adapts.

    levels multiply a period's liquidity and average 1 in the long run; transition: chance of going
    from row to column in one period; initial: of each level in the first period.
    """

    levels: tuple[Above, ...]
    transition: tuple[tuple[Share, ...], ...]
    initial: tuple[Share, ...]

    @model_validator(mode="after")
    def _square(self) -> "LiquidityChain":
        if {len(row) for row in (self.initial, self.transition, *self.transition)} != {
            len(self.levels)
        }:
            raise ValueError(
                "liquidity_chain: transition must be square and initial as long, one entry for "
                "each level"
            )
        return self


class Warned(Part):
    """A caveat of the calibration, with a code that programs can test for."""

    code: str
    message: str


class SymbolParams(Part):
    """All a solver needs to trade one symbol."""

    route: Literal["book", "orders"]
    reference: Reference
    law: Law
    standard_errors: dict[str, NonNegative | None]  # null: fixed by the family, not estimated
    covariance: Matrix
    units: dict[str, str]
    periods: Annotated[tuple[Period, ...], Field(min_length=1)]
    slices: Slices
    liquidity_chain: LiquidityChain
    warnings: tuple[Warned, ...]


class Params(Part):
    """The file's root."""

    schema_: Literal["impact-params/1"] = Field(alias="schema")
    created: str
    code_version: str
    data_hash: str
    mlflow_run_id: str
    valid: Valid
    calendar: Calendar
    symbols: Annotated[dict[str, SymbolParams], Field(min_length=1)]


def json_schema() -> str:
    """Return the published JSON Schema (draft 2020-12) as text."""
    return json.dumps(Params.model_json_schema(by_alias=True), indent=1, sort_keys=True) + "\n"


def dump_params(params: Params) -> bytes:
    """Return the file's bytes; they are validated again on the way out."""
    text = params.model_dump_json(by_alias=True, indent=1)
    Params.model_validate_json(text)
    return (text + "\n").encode()


def read_params(url: str) -> Params:
    """Read and validate `params.json`.

    Raises: InputError naming the file and the first key at fault.
    """
    try:
        with fsspec.open(url, "rb") as file:
            text = file.read()
        return Params.model_validate_json(text)
    except OSError as error:
        raise InputError(
            f"{url}: cannot read the parameter file ({error}); check --params"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"{url}: {key}: {first['msg']}; expected a file of schema {SCHEMA}, "
            "as `impact run` writes it"
        ) from None


def finite(value: float) -> float:
    """Return the value as a JSON number.

    Raises: ValueError when it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written to the parameter file")
    return float(value)
