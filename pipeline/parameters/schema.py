"""`params.json`, the file production solvers read: its one definition, checked on write and on
read.
"""

import json
import math
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from pipeline.engine.errors import InputError
from pipeline.engine.places import open_file, reading
from pipeline.parameters.sections import (
    Above,
    ComingSection,
    CurvesSection,
    ExtrapolationSection,
    Finite,
    Interval,
    LevelsSection,
    Matrix,
    MidMoveSection,
    Moment,
    NonNegative,
    OrderLawSection,
    Part,
    ProfileSection,
    ShapeSection,
    SlicingSection,
    VolumeTotal,
    Warned,
    WindowSection,
    Zone,
)

SCHEMA = "impact-params/2"
SCHEMA_ID = "urn:impact-params:2"
UNITS = {
    "alpha": "currency / share^k",
    "beta": "1",
    "k": "1",
    "theta": "1, L = (reference.volume_shares / trading rate)^theta over its mean",
    "gamma": "currency / share^2",
    "sigma": "currency / share / period^(1/2)",
    "spread": "currency / share",
    "volume": "shares / period",
    "volatility": "1, over reference.volatility",
    "liquidity": "1, averages 1 over the history, larger is thinner",
    "volatility_interval": "1, holds the measured volatility with probability 0.9",
    "liquidity_interval": "1, holds the liquidity of the measured volume with probability 0.9",
    "slicing.half_life_seconds": "seconds, of displayed depth after trades",
    "slicing.lasting": "1, of what a trade moves at once, the share that stays",
    "slicing.least_child_shares": "shares",
    "extrapolation.shown_shares": "shares",
    "extrapolation.errors": "1, of log(mean cost), by multiple of shown_shares",
    "mid_move.slope": "1, of imbalance x half spread",
    "coming.horizons": "periods ahead; coefficients of logs",
    "curves.knots": "shares",
    "curves.ratio": "1, of total cost over mid to the law's",
    "extrapolation.walk_low": "1, over the law's mean, as walk_high",
    "shape": "weights and slopes 1, flat in the unit of the periods' own, joint of logs",
    "tick": "currency / share",
    "fitted_shares": "shares",
    "levels.alpha": "currency / share^k",
    "order_law": "1; T days, sigma 1 / day^(1/2)",
    "reference.price": "currency / share",
    "reference.volatility": "currency / share / period^(1/2)",
    "reference.depth_shares": "shares",
    "reference.volume_shares": "shares / period",
}


Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Valid(Part):
    """The time the parameters are for, ISO 8601 with offset."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    expires: Moment | None = None  # from when on the parameters must not be used ...
    after: Literal["refuse"] = "refuse"  # ... and what a consumer does then: it plans no order


class Calendar(Part):
    """The trading session the periods divide."""

    name: str
    timezone: Zone
    periods: Annotated[int, Field(ge=1)]
    period_seconds: Annotated[int, Field(ge=1)]


class Reference(Part):
    """The levels that the dimensionless states are measured against."""

    price: Above
    volatility: Above
    depth_shares: NonNegative
    volume_shares: Above


class Law(Part):
    """g_i(x) = spread_i x + alpha_i x^k (1 + beta volatility_i) liquidity_i, h_i(x) = gamma_i x.

    chosen_by: what told it from the square-root law on held-out days, what they would have charged
    its plans or the deviance of costs predicted; held: neither, nights keep a family until another
    is shown to cost less; null where they were not compared.
    """

    family: Literal["spread_power", "spread_sqrt", "power", "square_root", "linear"]
    k: Above
    beta: Finite
    gamma: Finite
    theta: Finite
    chosen_by: Literal["regret", "deviance", "held"] | None = None


class Period(Part):
    """One period's numbers; `i` counts the session's periods from 0."""

    i: Annotated[int, Field(ge=0)]
    start: Moment
    alpha: NonNegative
    volatility: NonNegative
    liquidity: Above
    sigma: NonNegative
    spread: NonNegative
    volume: Above
    volatility_interval: Interval | None  # None: no forecast of the route tells it
    liquidity_interval: Interval | None


class SymbolParams(Part):
    """All a solver needs to trade one symbol."""

    route: Literal["book", "orders"]
    reference: Reference
    law: Law
    standard_errors: dict[str, NonNegative | None]  # null: fixed by the family, not estimated
    covariance: Matrix
    units: dict[str, str]
    periods: Annotated[tuple[Period, ...], Field(min_length=1)]
    slicing: SlicingSection
    warnings: tuple[Warned, ...]
    extrapolation: ExtrapolationSection | None = None  # None: the route walks no book
    volume_total: VolumeTotal | None = None
    mid_move: MidMoveSection | None = None
    shape: ShapeSection | None = None  # None: nothing is known of it, plans take every period alike
    window: WindowSection | None = None  # None: the days are not known
    tick: Above | None = None  # the least step between best prices, None where none was seen
    fitted_shares: Interval | None = None  # sizes that the law was fitted on
    levels: LevelsSection | None = None  # None: the level has no buckets
    states: dict[str, Any] | None = None  # raw and calibrated states, for readers that want them
    curves: CurvesSection | None = None  # None: the law stands alone
    coming: ComingSection | None = None  # None: the hour's states told nothing of later days
    profile: ProfileSection | None = None  # None: every period was forecast from a tape
    order_law: OrderLawSection | None = None  # None: the route knows no parent orders

    @model_validator(mode="after")
    def _by_period(self) -> "SymbolParams":
        if self.curves and len(self.curves.ratio) != len(self.periods):
            raise ValueError("curves: ratio must have one row a period")
        if self.levels and len(self.levels.bucket) != len(self.periods):
            raise ValueError("levels: bucket must have one entry a period")
        return self


class Params(Part):
    """The file's root."""

    schema_: Literal["impact-params/2"] = Field(alias="schema")
    created: str
    code_version: str
    data_hash: str
    run_id: str = ""  # of the run that made it, and the tag `run_id` of its MLflow runs
    currency: Currency | None = None  # ISO 4217, None where it is not known
    valid: Valid
    calendar: Calendar
    symbols: Annotated[dict[str, SymbolParams], Field(min_length=1)]


def json_schema() -> str:
    """Return the published JSON Schema (draft 2020-12) as text."""
    found = {"$id": SCHEMA_ID} | Params.model_json_schema(by_alias=True)
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def dump_params(params: Params) -> bytes:
    """Return the file's bytes; they are validated again on the way out."""
    text = params.model_dump_json(by_alias=True, indent=1)
    Params.model_validate_json(text)
    return (text + "\n").encode()


def read_params(url: str) -> Params:
    """Read and validate `params.json`.

    Raises: InputError naming the file and the first key at fault.
    """
    with (
        open_file(url, "--params") as file,
        reading(url, "cannot read the parameter file", "check --params"),
    ):
        content = json.loads(file.read())
    return params_of(content, url)


def params_of(content: object, url: str) -> Params:
    """Return the content of a parameter file, validated; url: what it is called where it is not.

    Raises: InputError naming the file and the first key at fault.
    """
    found = content.get("schema") if isinstance(content, dict) else None
    if isinstance(found, str) and found != SCHEMA:
        raise InputError(
            f"{url}: schema {found}, made by another version; make the file anew with "
            f"`impact run --source SOURCE --data DIR` ({SCHEMA} is read)"
        )
    try:
        return Params.model_validate(content)
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
