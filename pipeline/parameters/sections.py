"""The parts of a symbol's section in `params.json`, each checked by itself."""

from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from solver.execution.coming import NAMES


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError("an interval's lower end comes first")
    return interval


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"{text}: the offset is missing; write it as 2025-01-31T14:30:00+00:00")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # no such one, a folder, an absolute path
        raise ValueError(f"{name[:60]!r} is no time zone; write it as America/New_York") from None
    return name


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Day = Annotated[str, AfterValidator(_day)]
Zone = Annotated[str, AfterValidator(_zone)]
Moment = Annotated[str, AfterValidator(_moment)]
MOST, LEAST = 1e30, 1e-30  # of any number, and of one above 0: products stay finite
NonNegative = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-MOST, le=MOST, allow_inf_nan=False)]
Above = Annotated[float, Field(ge=LEAST, le=MOST, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = Annotated[tuple[NonNegative, NonNegative], AfterValidator(_ordered)]


class Part(BaseModel):
    """A JSON object: frozen; unknown keys are left aside, so that files may gain some."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Matrix(Part):
    """A covariance matrix with its parameters' names."""

    names: tuple[str, ...]
    matrix: tuple[tuple[Finite, ...], ...]

    @model_validator(mode="after")
    def _square(self) -> "Matrix":
        if {len(row) for row in (self.matrix, *self.matrix)} != {len(self.names)}:
            raise ValueError("covariance matrix must be square with one row for each name")
        return self


class VolumeTotal(Part):
    """Volume over all the periods, shares: the forecasts' sum, and what it will lie in with
    probability 0.9.
    """

    expected: Above
    interval: Interval


class SlicingSection(Part):
    """How a period's shares can be worked in children: alpha is that of one order a period.

    half_life_seconds: of displayed depth after trades, and the upper end of its 95 % interval; null
    where it is not identified.
    """

    half_life_seconds: Above | None
    half_life_upper_seconds: Above | None
    lasting: Share
    least_child_shares: Above


class ExtrapolationError(Part):
    """The law's error at a multiple of the shown size, of the logarithm of mean cost.

    log_bias: of the book continued behind its last level, less the law; log_error: the law's root
    mean square error, the bias included.
    """

    multiple: Annotated[float, Field(gt=1)]
    log_bias: Finite
    log_error: NonNegative


class LocalExponent(Part):
    """The exponent of mean cost around a size that the book showed."""

    shares: Above
    k: Finite
    standard_error: NonNegative


class ExtrapolationSection(Part):
    """How far the law reaches: from the least to the largest size that the book showed, and beyond.

    shown_shares: the largest size that displayed depth held at least 80 % of the time; errors: by
    multiple of it, none where files of one level say nothing of what lies behind; measured_to: the
    multiple up to which books cut to fewer levels could check them; walk_low, walk_high: ends that
    hold 95 % of single periods' walks over the law's mean.
    """

    shown_shares: Above
    measured_to: Annotated[float, Field(ge=1)]
    walk_low: NonNegative
    walk_high: Above
    errors: tuple[ExtrapolationError, ...]
    exponents: tuple[LocalExponent, ...]


class MidMoveSection(Part):
    """The mid's expected move over the next seconds: slope x imbalance of the best sizes x half
    spread.

    slope: the estimate shrunk by its error, 0 where it did not predict out of sample: on the later
    half of the history by the earlier one, against no move. The others are null where the history
    is too short.
    """

    horizon_seconds: Above
    slope: Finite
    estimate: Finite | None
    standard_error: NonNegative | None
    r2_out_of_sample: Finite | None
    r2_error: NonNegative | None


class CurvesSection(Part):
    """A learned cost curve: each period's law times ratios that are known at knots, shares.

    ratio: a row a period, a column a knot, of total cost over mid to the law's, in the states
    forecast of the period. Between knots its log is linear in the log of size; extrapolation,
    "law": below the first and beyond the last knot it stays, so that cost goes on with the law's
    exponent. learner: what told it.
    """

    learner: str
    knots: Annotated[tuple[Above, ...], Field(min_length=1)]
    ratio: tuple[tuple[Above, ...], ...]
    extrapolation: Literal["law"] = "law"

    @model_validator(mode="after")
    def _by_knot(self) -> "CurvesSection":
        if any(low >= high for low, high in pairwise(self.knots)):
            raise ValueError("curves: knots must rise")
        if {len(row) for row in self.ratio} != {len(self.knots)}:
            raise ValueError("curves: ratio must have one column a knot")
        return self


class ComingHorizon(Part):
    """So many periods ahead: coefficients by feature, shrunk, 0 where nothing was told of later
    days; slope of these days' outcomes on what was told, its error by days, and the share of
    squares that was explained, null of fewer than three days.
    """

    periods: Above
    coefficients: tuple[Finite, ...]
    slope: Finite | None
    standard_error: NonNegative | None
    r2_out_of_sample: Finite | None


class ComingSection(Part):
    """The log of a trade's cost at horizons over the last hour's mean, linear in the hour's states.

    features: of the spread's and the best size's logs over the hour's mean, the tilt of the best
    sizes against the order, the mid's move against it over the spread, and that move's size over
    the hour's mean, each averaged with half-lives of so many periods.
    """

    features: tuple[str, ...]
    horizons: Annotated[tuple[ComingHorizon, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _by_feature(self) -> "ComingSection":
        if self.features != NAMES:
            raise ValueError(f"coming: features must be {', '.join(NAMES)}")
        if {len(one.coefficients) for one in self.horizons} != {len(NAMES)}:
            raise ValueError("coming: every horizon must have one coefficient a feature")
        if any(one.periods >= other.periods for one, other in pairwise(self.horizons)):
            raise ValueError("coming: horizons must rise")
        return self


class ShapeState(Part):
    """How far the shape of one state's forecast is believed.

    slope: of log outcomes on log forecasts of past days, both less their day's mean, with its
    standard error by days (null of fewer than two); weight: the slope times max(0, 1 - standard
    error^2 / slope^2), within 0 and 1, 0 of fewer than three days; flat: the mean expected of every
    period, in the unit of the periods' own.
    """

    weight: Share
    slope: Finite
    standard_error: NonNegative | None
    flat: NonNegative


class ShapeSection(Part):
    """What the shape of the forecast over the day has been worth: how far a plan may follow it.

    days: scored, each forecast from what came before it, from the same period of the day on as the
    file's; joint: of each the covariance over its periods of log forecasts (rows) and log outcomes
    of volatility, liquidity, spread and alpha.
    """

    days: Annotated[int, Field(ge=0)]
    volatility: ShapeState
    liquidity: ShapeState
    spread: ShapeState
    alpha: ShapeState
    joint: tuple[tuple[tuple[Finite, ...], ...], ...]

    @model_validator(mode="after")
    def _by_day(self) -> "ShapeSection":
        sizes = {len(part) for day in self.joint for part in (day, *day)}
        if len(self.joint) != self.days or not sizes <= {4}:
            raise ValueError("shape: joint must have four rows of four for each of the days")
        return self


class WindowSection(Part):
    """The days that the parameters come from, ISO dates, and how many they are."""

    first: Day
    last: Day
    days: Annotated[int, Field(ge=1)]


class LevelsSection(Part):
    """Levels of alpha as estimated by time-of-day bucket, before they were smoothed over the day.

    alpha: by bucket, currency / share^k; bucket: of every period, in the periods' order.
    """

    alpha: Annotated[tuple[NonNegative, ...], Field(min_length=1)]
    bucket: tuple[Annotated[int, Field(ge=0)], ...]

    @model_validator(mode="after")
    def _known_buckets(self) -> "LevelsSection":
        if any(one >= len(self.alpha) for one in self.bucket):
            raise ValueError(f"levels: bucket must lie below {len(self.alpha)}")
        return self


class ProfileSection(Part):
    """How volume and sigma by period were had where no tape was forecast.

    flat: the day's, shared out evenly; given: as the source has them.
    """

    volume: Literal["flat", "given"]
    sigma: Literal["flat", "given"]
    source: str


class OrderLawSection(Part):
    """The law of whole orders that the periods' law follows from, without unit.

    I = gamma sigma (X/V) (Theta/V)^(1/4) and J - I/2 = eta sigma |X/V|^delta T^-tau, T in days;
    cost_by: rate (tau = delta), size (tau = 0) or free.
    """

    cost_by: Literal["rate", "size", "free"]
    gamma: Finite
    eta: Finite
    delta: Finite
    tau: Finite
    covariance: Matrix


class Warned(Part):
    """A caveat of the calibration, with a code that programs can test for.

    severity: whether it speaks against planning at all, against believing what is planned, or is to
    be known.
    """

    code: str
    message: str
    severity: Literal["blocks", "weakens", "informs"] = "weakens"
