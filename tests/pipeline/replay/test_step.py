"""An order worked step by step: the same decisions as its replay, from what a caller carries."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.parameters.schema import read_params
from pipeline.replay import step_files
from pipeline.replay.loop import Accounting, Replayed
from pipeline.replay.policies import NAMES, Planned, policy_of
from pipeline.replay.replay import Contest, replay
from pipeline.replay.request import ReplayRequest
from pipeline.replay.side_tape import SideTape
from pipeline.replay.step import Answer, LearnedFile, Moment, State, WorkedOrder
from pipeline.replay.step_files import StateFile
from solver.execution import Band, Seen, TakeOrWait, Waiting
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun
from tests.pipeline.replay.markets import mirrored, random_book

pytestmark = pytest.mark.xdist_group("end_to_end")
MOMENTS = 60  # a look every half minute from 10:00 to 10:30
OPEN = datetime(2025, 1, 10, 15, 0, tzinfo=UTC)  # 10:00 in New York


class Whole:
    """Forgets what was taken: the books of a live order show it already."""

    def add(self, dear: np.ndarray, shares: np.ndarray, shown: int, time: int) -> None: ...

    def pass_rows(self, dear: np.ndarray) -> None: ...

    def left(self, dear: np.ndarray, size: np.ndarray, shown: int, time: int) -> np.ndarray:
        return size


@dataclass(frozen=True)
class Made:
    """An order of the small run's parameters, and books half a second apart from 9:30 on."""

    request: ReplayRequest
    params: str
    ts: np.ndarray
    tape: SideTape

    def opened(self) -> WorkedOrder:
        return WorkedOrder(self.request, read_params(self.params))

    def moment(self, at: int, filled: float) -> Moment:
        """Return what a caller tells at the order's look number `at`."""
        time = OPEN + timedelta(seconds=30 * at)
        row = int(np.searchsorted(self.ts, round(time.timestamp()) * 10**9, side="right")) - 1
        best = self.tape.sign * (self.tape.dear[row, 0])
        dear = self.tape.dear[row] * self.tape.sign
        mine = tuple(zip(dear.tolist(), self.tape.size[row].tolist(), strict=True))
        other = 2 * self.tape.mid[row] - best
        tilt = self.tape.tilt[row]  # what the other side's best size must have been
        theirs = ((other, mine[0][1] * (1 + tilt) / (1 - tilt)),)
        bid, ask = (theirs, mine) if self.tape.sign > 0 else (mine, theirs)
        return Moment(time=time, bid=bid, ask=ask, filled=filled, volume=0.0)


def made(run: SmallRun, policy: str, side: str = "buy") -> Made:
    params = str(run.folder / "out/params.json")
    asked = {"shares": 2000, "side": side, "start": "10:00", "end": "10:30"}
    order = load_config(None, {"allocate": asked}).allocate
    request = ReplayRequest(params, "SIM0", order, (policy,), 30.0)
    ts, book = random_book(7_400, 11)
    begin = round(OPEN.timestamp()) * 10**9 - 1800 * 10**9
    ts = ts - ts[0] + begin
    if side == "sell":
        book = mirrored(book, 100.0)
    return Made(request, params, ts, SideTape.of(ts, book, request.sign))


def replayed(here: Made) -> Replayed:
    """Return what the replay of the order sent."""
    (policy,) = here.request.policies
    planned = Planned(read_params(here.params), "SIM0", here.request.order)
    stage = here.opened().stage
    contest = Contest(
        stage,
        {policy: policy_of(policy, stage, planned, Band())},
        {"how": Accounting(Whole)},
        Band(),
    )
    (played,), _ = replay([here.tape], [contest])
    return played.done[policy, "how"]


def decide_alike(here: Made, done: Replayed, step: Callable[[Moment], Answer]) -> None:
    """Assert that steps answer what the replay sent, to the bit but for the limit's price."""
    sign = here.request.sign
    filled = np.zeros(MOMENTS)
    filled[done.sent.moment] = done.sent.filled
    answers, before = [], 0.0
    for at in range(-60, MOMENTS):  # the half hour before is looked at too
        answer = step(here.moment(at, before))
        if at >= 0:
            answers.append(answer)
            before += filled[at]
        else:
            assert answer.shares == 0
    shares, musts = np.zeros(MOMENTS), np.zeros(MOMENTS)
    limits = np.full(MOMENTS, np.nan)
    shares[done.sent.moment], musts[done.sent.moment] = done.sent.shares, done.sent.must
    limits[done.sent.moment] = done.sent.limit
    assert shares.tolist() == [one.shares for one in answers]
    sent = shares > 0
    assert sent.any()
    assert musts[sent].tolist() == [one.must for one in answers if one.shares]
    told = [np.inf * sign if one.limit is None else one.limit for one in answers]
    assert limits[sent] == pytest.approx(np.array(told)[sent], abs=1e-12)


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("policy", [name for name in NAMES if name not in ("pov",)])
def test_a_step_decides_as_the_replay_does(small_run: SmallRun, policy: str, side: str) -> None:
    here = made(small_run, policy, side)
    order, state = here.opened(), State()

    def step(now: Moment) -> Answer:
        nonlocal state
        answer, state = order.step(state, now)
        state = State.model_validate_json(state.model_dump_json())  # what a caller carries
        return answer

    decide_alike(here, replayed(here), step)


@pytest.fixture
def lessons(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the moments at which a lesson is learned, as they come."""
    moments, learned = [], TakeOrWait.learned

    def counted(policy: TakeOrWait, seen: Seen) -> Waiting:
        moments.append(seen.moment)
        return learned(policy, seen)

    monkeypatch.setattr(TakeOrWait, "learned", counted)
    return moments


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_process_a_step_decides_as_the_replay_does(
    small_run: SmallRun, side: str, tmp_path: Path, lessons: list[int]
) -> None:
    here, path = made(small_run, "moment", side), str(tmp_path / "state.json")
    done = replayed(here)
    every = lessons.copy()
    lessons.clear()

    def step(now: Moment) -> Answer:
        order, file = here.opened(), StateFile(path)
        state, why = file.open(order)
        assert not why
        answer, state = order.step(state, now)
        file.write(state, order)
        return answer

    decide_alike(here, done, step)
    assert lessons == every
    assert set(lessons) <= set(range(0, MOMENTS, 10))  # between them a decision is a look-up


def test_a_table_that_does_not_fit_is_learned_anew(
    small_run: SmallRun, tmp_path: Path, lessons: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, path = made(small_run, "moment"), tmp_path / "state.json"
    table = tmp_path / "state.json.value.npz"

    def stepped(at: int, order: WorkedOrder) -> tuple[Answer, str]:
        file = StateFile(str(path))
        state, why = file.open(order)
        answer, state = order.step(state, here.moment(at, 0.0))
        file.write(state, order)
        return answer, why

    stepped(0, here.opened())
    whole, named = table.read_bytes(), path.read_bytes()
    other = replace(here, request=replace(here.request, band=0.2))
    stale = whole[:-1] + bytes([whole[-1] ^ 1])
    for content, order, said in (
        (None, here.opened(), "cannot be read"),
        (stale, here.opened(), "not the table of this state"),
        (whole, other.opened(), "of another order"),
        (whole, here.opened(), ""),
    ):
        path.write_bytes(named)
        table.unlink(missing_ok=True)
        if content is not None:
            table.write_bytes(content)
        lessons.clear()
        answer, why = stepped(1, order)
        assert said in why
        assert ("\n" in why, bool(why), lessons) == (False, bool(said), [1] if said else [])
        alone = (other if "another" in said else here).opened()
        if said:  # what the state's books alone teach
            assert answer == alone.step(State.model_validate_json(named), here.moment(1, 0.0))[0]
        assert stepped(2, order)[1] == ""
    order, file, written = here.opened(), StateFile(str(path)), []
    monkeypatch.setattr(step_files, "write_file", lambda url, _: written.append(Path(url).name))
    state, _ = file.open(order)
    for at in range(3, 12):  # in one process
        _, state = order.step(state, here.moment(at, 0.0))
        file.write(state, order)
    assert written == ["state.json"] * 7 + [table.name] + ["state.json"] * 2
    with pytest.raises(ValidationError, match="file"):
        LearnedFile(file="../other.npz", sha256="")


def test_what_a_caller_learns(small_run: SmallRun) -> None:
    here = made(small_run, "rule")
    order, state = here.opened(), State()
    answer, state = order.step(state, here.moment(-1, 0.0))
    assert "has not begun" in answer.reason
    answer, state = order.step(state, here.moment(0, 0.0))
    assert answer.next_look == OPEN + timedelta(seconds=30)
    assert answer.marginal_value is not None
    assert answer.limit == pytest.approx(
        here.tape.mid[np.searchsorted(here.ts, OPEN.timestamp() * 1e9, side="right") - 1]
        + answer.marginal_value
    )
    one_sided = here.moment(1, 0.0).model_copy(update={"bid": ()})
    answer, state = order.step(state, one_sided)
    assert (answer.shares, answer.reason) == (0, "the book has not two sides")
    answer, _ = order.step(state, here.moment(2, 2000.0))
    assert (answer.shares, answer.next_look) == (0, None)
    last, _ = order.step(state, here.moment(MOMENTS - 1, 1990.0))
    assert (last.shares, last.must, last.next_look) == (10, 10, None)
    with pytest.raises(InputError, match="before the last look"):
        order.step(state, here.moment(0, 0.0))
    with pytest.raises(InputError, match="filled 2001: more than the order's 2000"):
        order.step(state, here.moment(2, 2001.0))


def test_the_command_carries_its_state(small_run: SmallRun, tmp_path: Path) -> None:
    here = made(small_run, "rule")
    order, state, lines, known = here.opened(), State(), [], []
    for at in range(3):
        now = here.moment(at, 0.0)
        lines.append(now.model_dump_json())
        answer, state = order.step(state, now)
        known.append(answer)
    asked = [
        "step", "--params", here.params, "--symbol", "SIM0", "--shares", "2000", "--start",
        "10:00", "--end", "10:30", "--interval", "30s", "--state", str(tmp_path / "state.json"),
    ]  # fmt: skip
    for lot in (lines[:2], lines[2:]):  # the second time from the state on file
        done = impact(*asked, stdin="\n".join(lot) + "\n")
        assert done.returncode == 0, done.stderr
        told = [Answer.model_validate_json(line) for line in done.stdout.splitlines()]
        assert told == known[: len(told)]
        known = known[len(told) :]
    assert not known
    kept = (tmp_path / "state.json").read_text(encoding="utf-8")
    refused(impact(*asked, stdin='{"time": "2025-01-10T15:02:00Z"}\n'), "line 1", "bid")
    refused(impact(*asked, "--moment", str(tmp_path / "none.json")), "none.json", "--moment")
    assert (tmp_path / "state.json").read_text(encoding="utf-8") == kept
    (tmp_path / "state.json").write_text(json.dumps({"version": "other"}), encoding="utf-8")
    refused(impact(*asked, stdin=lines[0]), "state.json", "version")
