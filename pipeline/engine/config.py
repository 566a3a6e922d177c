"""Configuration: one TOML file, every key known, every value checked before any work starts."""

import difflib
import tomllib
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.engine.codes import REFUSING
from pipeline.engine.errors import InputError, shown
from pipeline.engine.places import open_file, reading

Side = Literal["buy", "sell"]
Method = Literal["auto", "nlp", "dp", "qp"]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=10**12)]
Clock = Annotated[str, Field(pattern=r"^(|([01]?[0-9]|2[0-4]):[0-5][0-9](:[0-5][0-9])?)$")]
YEARS = range(1990, 2050)  # that calendars know
Kind = TypeVar("Kind", bound="Section")


class Section(BaseModel):
    """A table of the configuration file: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Section):
    """Where the tape is, on which calendar it lives, and what of it is accepted nevertheless."""

    source: str = "simulate"
    location: str = ""
    columns: str = ""
    calendar: str = "XNYS"
    period_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    symbols: tuple[str, ...] = ()
    since: str = ""
    as_of: str = ""
    accept: tuple[str, ...] = ()

    @field_validator("accept")
    @classmethod
    def _known_codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if code not in REFUSING:
                near = difflib.get_close_matches(code, REFUSING, n=1, cutoff=0.4)
                hint = f"did you mean {near[0]}" if near else f"valid are {', '.join(REFUSING)}"
                raise ValueError(f"{code} is no code of a refusal; {hint}")
        return codes

    @field_validator("since")
    @classmethod
    def _a_first_day(cls, text: str) -> str:
        return _of_calendar(text, "2025-01-31") if text else text

    @field_validator("as_of")
    @classmethod
    def _a_moment(cls, text: str) -> str:
        return _of_calendar(text, "2025-01-31T12:00") if text else text


class SimulateConfig(Section):
    """The simulated market of `--source simulate`; book: whether it moves within the minute;
    pattern: whether the hours of its day differ.
    """

    symbols: Count = 3
    days: Count = 20
    seed: Annotated[int, Field(ge=0)] = 7
    start: str = "2025-01-06"
    book: Literal["resting", "moving"] = "resting"
    pattern: bool = True

    @field_validator("start")
    @classmethod
    def _a_day(cls, text: str) -> str:
        return _of_calendar(text, "2025-01-31")


class FeaturesConfig(Section):
    """The order sizes (shares) whose book-walk cost is measured in every period.

    "auto": from what the symbol's book shows, the median at its best price to the depth that it
    held 80 % of the time, and beyond.
    """

    sizes: Literal["auto"] | Annotated[tuple[Positive, ...], Field(min_length=2)] = "auto"


class CalibrateConfig(Section):
    """The book route's law: its family, how finely its level varies through the day, and the days
    of history after which a day's walks weigh half ("none": all days alike).

    The default costs next to nothing where nothing changes: of twenty days as many as 19.7 count,
    of a year's 250 as many as 86 (`benchmarks.half_life`).
    """

    family: Literal["auto", "spread_power", "spread_sqrt", "power", "square_root", "linear"] = (
        "auto"
    )
    buckets: Count = 13
    half_life: Literal["none"] | Positive = 30.0


class LearnConfig(Section):
    """The machine-learning regressors of cost, and whose curve is exported beside the law.

    tries: settings that the tuner draws for each, 0 for those given. export: "law" for no curve,
    "selected" for that of the regressor whose plans cost less on held-out days, or a regressor's.
    """

    trees: Count = 200
    learning_rate: Positive = 0.05
    leaves: Annotated[int, Field(ge=2)] = 15
    seed: Annotated[int, Field(ge=0)] = 0
    tries: Annotated[int, Field(ge=0, le=1000)] = 6
    export: Literal["law", "selected", "spline", "histogram", "lightgbm", "hybrid"] = "law"


class SelectConfig(Section):
    """The share of the history, its latest part, held out to compare the candidates."""

    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.25


class AllocateConfig(Section):
    """The order and how it may be worked.

    drift: of the price, currency a day ("0.05"), bps a day ("5bps"), or a CSV file of currency a
    period (columns i, drift). start, end: trade only in periods that begin from the one and before
    the other, HH:MM in the calendar's zone. plan: "shrunk", which follows the forecast's shape as
    far as that has paid, or "point", the optimum of the forecast as it is.
    """

    shares: Count = 10_000
    side: Side = "buy"
    # 1 / currency; 1e-6 is usual, and far beyond 1 every plan trades at once
    risk_aversion: Literal["auto"] | Annotated[float, Field(ge=0, le=1000)] = 0.0
    lot: Count = 1
    max_participation: Annotated[float, Field(gt=0, le=1)] = 0.2
    min_participation: Annotated[float, Field(ge=0, le=1)] = 0.0
    method: Method = "auto"
    own_impact: Literal["half", "none"] = "half"
    plan: Literal["shrunk", "point"] = "shrunk"
    slices: Literal["auto"] | Count = "auto"
    drift: str = "0"
    start: Clock = ""
    end: Clock = ""

    @model_validator(mode="after")
    def _whole_lots(self) -> "AllocateConfig":
        if self.shares % self.lot:
            raise ValueError(
                f"shares {self.shares}: not a multiple of the lot {self.lot}; change one of them"
            )
        return self


class PublishConfig(Section):
    """What the published files say besides numbers.

    expires: sessions after the one that parameters are for, through whose last close they may be
    used; currency: of prices and costs, "" where it is not known.
    """

    expires: Annotated[int, Field(ge=0, le=250)] = 3
    currency: Annotated[str, Field(pattern=r"^(|[A-Z]{3})$")] = ""


class ExecutorConfig(Section):
    """Worker processes: 0 works in process, "auto" decides by the amount of data."""

    workers: Literal["auto"] | Annotated[int, Field(ge=0, le=256)] = "auto"
    scheduler: str = ""


class TrackConfig(Section):
    """The MLflow experiment that runs are logged to."""

    experiment: str = "impact"


class Config(Section):
    """The whole configuration; every section and key has a default."""

    data: DataConfig = DataConfig()
    simulate: SimulateConfig = SimulateConfig()
    features: FeaturesConfig = FeaturesConfig()
    calibrate: CalibrateConfig = CalibrateConfig()
    learn: LearnConfig = LearnConfig()
    select: SelectConfig = SelectConfig()
    allocate: AllocateConfig = AllocateConfig()
    publish: PublishConfig = PublishConfig()
    executor: ExecutorConfig = ExecutorConfig()
    track: TrackConfig = TrackConfig()


def load_config(
    path: str | None = None, overrides: dict[str, dict[str, object]] | None = None
) -> Config:
    """Read the TOML file at `path` (defaults without one), apply `overrides` by section, and check
    it all.

    Raises: InputError naming the file and the key, with the nearest valid one.
    """
    values = read_toml(path, "--config") if path else {}
    for section, keys in (overrides or {}).items():
        given = {key: value for key, value in keys.items() if value is not None}
        if given and isinstance(values.setdefault(section, {}), dict):
            values[section] = values[section] | given
    return checked(Config, values, path or "configuration")


def read_toml(path: str, given_by: str) -> dict[str, Any]:
    """Return the TOML file's tables.

    Raises: InputError naming the file, and the option that gave it, when it cannot be read or is
    not TOML in UTF-8.
    """
    with open_file(path, given_by) as file, reading(path, "not valid TOML", f"check {given_by}"):
        return tomllib.loads(file.read().decode("utf-8-sig"))


def checked(kind: type[Kind], values: dict[str, Any], label: str) -> Kind:
    """Return the tables as the section they are to be.

    Raises: InputError naming `label` and the key, with the nearest valid one.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{label}: {_explain(error, kind)}") from None


def _of_calendar(text: str, example: str) -> str:
    try:
        known = datetime.fromisoformat(text).year in YEARS
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"not a time from {YEARS[0]} to {YEARS[-1]}; write it as {example}")
    return text


def _explain(error: ValidationError, kind: type[Section]) -> str:
    errors = error.errors()
    first = errors[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "missing":
        return (
            f"[{where[0]}] has no key '{where[-1]}', which is needed"
            if where[1:]
            else f"no table [{where[0]}]"
        )
    if first["type"] != "extra_forbidden":
        said = [_said(each["msg"]) for each in errors if each["loc"][:2] == first["loc"][:2]]
        reason = " or ".join(dict.fromkeys(said))
        key = f" {where[1]} = {shown(first['input'])}" if where[1:] else ""
        return f"[{where[0]}]{key}: {reason}"
    known = list(kind.model_fields)
    if len(where) > 1:
        known = list(kind.model_fields[where[0]].annotation.model_fields)
    near = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"valid keys: {', '.join(known)}"
    return f"unknown key '{'.'.join(where)}'; {hint}"


def _said(message: str) -> str:
    """Return what the library says without its phrases about itself."""
    plain = message.removeprefix("Value error, ").replace("Input should be", "should be")
    return plain.replace("String should match pattern", "should be HH:MM, as").split(", unable")[0]
