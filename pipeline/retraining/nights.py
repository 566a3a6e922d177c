"""What each night did, a file a night: written last, so that a night without one is done again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.engine.errors import InputError
from pipeline.engine.places import place, reading
from pipeline.engine.store import write_file
from pipeline.parameters.schema import Params, dump_params, read_params

FOLDER = "retraining"
LOCK = f"{FOLDER}/.lock"
MADE = f"{FOLDER}/made"
KEPT = 5  # nights whose parameters stay to be charged
CANDIDATE = "candidate"
Outcome = Literal["first", "promoted", "changed", "kept"]


class Part(BaseModel):
    """A piece of a night's file: nothing beside what is named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Found = TypeVar("Found", bound=Part)


class Form(Part):
    """The family that a symbol's costs are told by: of its law, empty for the one that is selected
    every night, and whose learned curve stands beside it, empty for none.
    """

    law: str
    learner: str = ""


class Charged(Part):
    """What a day charged, walk over mid in bps, mean of symbols and sides.

    candidate: the refit to the day before; champion: what was in force before that night; in_force:
    what was on the day itself; rivals: challengers fitted to the day before, by name.
    """

    date: str
    twap: float
    candidate: float
    champion: float
    in_force: float
    rivals: dict[str, float]

    @property
    def difference(self) -> float:
        """Return the candidate's cost less the champion's, which is that of their regrets."""
        return self.candidate - self.champion


class Check(Part):
    """One check of the gate: what was seen, what it was held against, and what follows."""

    name: str
    value: float | None  # None: there was nothing to see
    threshold: float | None
    passes: bool
    words: str


class Estimate(Part):
    """A number and its 95 % interval, None where its error is not known."""

    value: float
    low: float | None = None
    high: float | None = None


class SymbolTold(Part):
    """What a night made of one symbol, and of what.

    days: of its history; walks: of books that its law was fitted on; touched: rows that cleaning
    touched; shares: of an order in the middle of the fitted sizes, the same from the first night
    on; cost: over the best price of that order by the law at the usual state, bps, the half spread
    aside, None where it has none there; sizes: of the orders that walks were measured at, where
    they come from the depth shown, empty in files from before they were kept.
    """

    days: int
    walks: int
    touched: int
    shares: float
    k: Estimate
    cost: Estimate | None
    beta: Estimate
    gamma: Estimate
    sizes: tuple[float, ...] = ()


class Night(Part):
    """One night: date, the last day that it knew; session, the day that its candidate is for.

    since: the first day of the history of symbols that do not have all of it; inputs: digest of
    data, configuration and code; run_id: the candidate's; before, in_force: run ids of what was in
    force before and is after it, and forms: by symbol the family of the latter; checks: of the
    candidate; looks: at the challengers, which pass where they are shown to cost less; made: when;
    symbols: what the run of `run_id` tells of each, and left_out: why others are not in it, both
    empty in files from before they were kept.
    """

    date: str
    session: str
    since: dict[str, str]
    made: str
    inputs: str
    run_id: str
    before: str | None
    in_force: str
    outcome: Outcome
    why: str
    forms: dict[str, Form]
    checks: tuple[Check, ...]
    looks: tuple[Check, ...]
    charged: Charged | None
    symbols: dict[str, SymbolTold] = {}
    left_out: dict[str, str] = {}


class Move(Part):
    """What was put in force by hand: run ids, by whom, when and why."""

    made: str
    who: str
    was: str | None
    in_force: str
    why: str


def write_move(move: Move, out: str) -> None:
    """Write a move by hand beside the nights."""
    name = f"move-{move.made.replace(':', '').replace('+0000', 'Z')}.json"
    url = f"{out.rstrip('/')}/{FOLDER}/{name}"
    write_file(url, (move.model_dump_json(indent=1) + "\n").encode())


def moves_of(out: str) -> list[Move]:
    """Return the moves by hand so far, oldest first.

    Raises: InputError naming the file and the key at fault.
    """
    return list(_parts(out, "move", Move))


def write_night(night: Night, out: str) -> None:
    """Write what a night did, in one step."""
    write_file(_night(out, night.date), (night.model_dump_json(indent=1) + "\n").encode())


def keep_made(made: Mapping[str, Params], date: str, out: str) -> None:
    """Write what a night made, by name, to be charged the day that it is for; what older nights
    than the last few made goes.
    """
    fs, root = place(out.rstrip("/"), "--out")
    for name, params in made.items():
        write_file(f"{out.rstrip('/')}/{MADE}/{date}/{name}.json", dump_params(params))
    for folder in sorted(fs.glob(f"{root}/{MADE}/*"))[:-KEPT]:
        fs.rm(folder, recursive=True)


def made_on(date: str, out: str) -> dict[str, Params]:
    """Return what a night made, by name: `candidate`, and its challengers.

    Raises: InputError when a file cannot be read.
    """
    fs, root = place(out.rstrip("/"), "--out")
    names = [path.rpartition("/")[2] for path in sorted(fs.glob(f"{root}/{MADE}/{date}/*.json"))]
    return {
        name.removesuffix(".json"): read_params(f"{out.rstrip('/')}/{MADE}/{date}/{name}")
        for name in names
    }


def nights_of(out: str) -> list[Night]:
    """Return the nights so far, oldest first.

    Raises: InputError naming the file and the key at fault.
    """
    return list(_parts(out, "night", Night))


def check_order(every: Sequence[Night], date: str) -> None:
    """Raise InputError where a later night is done."""
    later = [one.date for one in every if one.date > date]
    if later:
        raise InputError(
            f"--as-of {date}: {later[-1]} is done already, and nights follow each other; give a "
            "later date, or another --out"
        )


def _parts(out: str, kind: str, part: type[Found]) -> Iterator[Found]:
    fs, root = place(out.rstrip("/"), "--out")
    for path in sorted(fs.glob(f"{root}/{FOLDER}/{kind}-*.json")):
        advice = f"take the file away to do without that {kind}"
        with fs.open(path, "rb") as file, reading(path, "cannot be read", advice):
            content = json.loads(file.read())
        try:
            yield part.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(each) for each in first["loc"]) or "the file"
            raise InputError(f"{path}: {key}: {first['msg']}; {advice}") from None


def _night(out: str, date: str) -> str:
    return f"{out.rstrip('/')}/{FOLDER}/night-{date}.json"
