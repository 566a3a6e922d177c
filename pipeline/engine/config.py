"""Configuration: one TOML file, every key known, every value checked before any work starts."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.engine.errors import InputError
from pipeline.engine.findings import REFUSING

Side = Literal["buy", "sell"]
Method = Literal["auto", "nlp", "dp", "qp"]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Kind = TypeVar("Kind", bound="Section")


class Section(BaseModel):
    """A table of the configuration file: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(Section):
    """Where the tape is, on which calendar it lives, and what of it is accepted nevertheless."""

    source: str = "simulate"
    location: str = ""
    columns: str = ""
    calendar: str = "XNYS"
    period_seconds: Count = 60
    symbols: tuple[str, ...] = ()
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


class SimulateConfig(Section):
    """The simulated market of `--source simulate`, and whether its book moves within the minute."""

    symbols: Count = 3
    days: Count = 20
    seed: Annotated[int, Field(ge=0)] = 7
    start: str = "2025-01-06"
    book: Literal["resting", "moving"] = "resting"


class FeaturesConfig(Section):
    """The order sizes (shares) whose book-walk cost is measured in every period.

    "auto": from what the symbol's book shows, the median at its best price to the depth that it
    held 80 % of the time, and beyond.
    """

    sizes: Literal["auto"] | Annotated[tuple[Positive, ...], Field(min_length=2)] = "auto"


class CalibrateConfig(Section):
    """The book route's law: its family and how finely its level varies through the day."""

    family: Literal["auto", "spread_power", "spread_sqrt", "power", "square_root", "linear"] = (
        "auto"
    )
    buckets: Count = 13


class LearnConfig(Section):
    """The machine-learning regressors of cost."""

    trees: Count = 200
    learning_rate: Positive = 0.05
    leaves: Annotated[int, Field(ge=2)] = 15
    seed: Annotated[int, Field(ge=0)] = 0


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

    shares: Annotated[int, Field(ge=1)] = 10_000
    side: Side = "buy"
    risk_aversion: Annotated[float, Field(ge=0)] = 0.0
    lot: Count = 1
    max_participation: Annotated[float, Field(gt=0, le=1)] = 0.2
    min_participation: Annotated[float, Field(ge=0, le=1)] = 0.0
    method: Method = "auto"
    own_impact: Literal["half", "none"] = "half"
    plan: Literal["shrunk", "point"] = "shrunk"
    slices: Literal["auto"] | Count = "auto"
    drift: str = "0"
    start: str = ""
    end: str = ""


class ExecutorConfig(Section):
    """Worker processes: 0 works in process, "auto" decides by the amount of data."""

    workers: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"
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
    not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot read the configuration ({error.strerror}); check {given_by}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error})") from None


def checked(kind: type[Kind], values: dict[str, Any], label: str) -> Kind:
    """Return the tables as the section they are to be.

    Raises: InputError naming `label` and the key, with the nearest valid one.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{label}: {_explain(error, kind)}") from None


def _explain(error: ValidationError, kind: type[Section]) -> str:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "missing":
        return (
            f"[{where[0]}] has no key '{where[-1]}', which is needed"
            if where[1:]
            else f"no table [{where[0]}]"
        )
    if first["type"] != "extra_forbidden":
        return f"[{where[0]}] {'.'.join(where[1:])} = {first['input']!r}: {first['msg'].lower()}"
    known = list(kind.model_fields)
    if len(where) > 1:
        known = list(kind.model_fields[where[0]].annotation.model_fields)
    near = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"valid keys: {', '.join(known)}"
    return f"unknown key '{'.'.join(where)}'; {hint}"
