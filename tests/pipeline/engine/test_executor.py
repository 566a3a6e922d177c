"""The executor: same results anywhere, errors passed on, dead workers replaced."""

import os
import signal
from pathlib import Path

import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.executor import MANY_BYTES, Executor, choose_workers


def square(number: int) -> int:
    return number * number


def fail_on_three(number: int) -> int:
    if number == 3:
        raise InputError("row 3: wrong")
    return number


def die_once(marker: Path) -> int:
    """Kill the process at the first call; answer at the second."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def test_in_process_keeps_order() -> None:
    with Executor() as executor:
        assert executor.map(square, [3, 1, 2], "square") == [9, 1, 4]


def test_workers_keep_order_pass_errors_on_and_survive_a_kill(tmp_path: Path) -> None:
    with Executor(workers=2) as executor:
        assert executor.map(square, list(range(20)), "square") == [
            number**2 for number in range(20)
        ]
        with pytest.raises(InputError, match="row 3: wrong"):
            executor.map(fail_on_three, [1, 2, 3, 4], "fail")
        pids = executor.map(die_once, [tmp_path / "a", tmp_path / "b", tmp_path / "c"], "die")
        assert os.getpid() not in pids
        address = executor.address
        with Executor(scheduler=address) as other:
            assert other.map(square, [5], "square") == [25]


def test_an_absent_scheduler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.engine.executor.CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler answers"):
        Executor(scheduler="tcp://127.0.0.1:9")


def test_small_tapes_stay_in_process() -> None:
    assert choose_workers("auto", MANY_BYTES - 1) == 0
    assert choose_workers("auto", MANY_BYTES) >= 1
    assert choose_workers(3, 0) == 3
