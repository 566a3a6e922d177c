"""The store: whole outputs or none, found again by content."""

from dataclasses import dataclass
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from pipeline.engine.digests import digest
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.store import (
    Store,
    fingerprint,
    load_tables,
    read_table,
    save_tables,
    write_file,
)


@dataclass(frozen=True)
class Doubled:
    """A stage output of one table."""

    values: pd.DataFrame


@dataclass(frozen=True)
class Given:
    """A stage input with a key of its choosing."""

    key: str
    number: int

    def load(self) -> int:
        """Return the number."""
        return self.number


RUNS: list[int] = []


def double(number: int, config: str) -> Doubled:
    RUNS.append(number)
    return Doubled(pd.DataFrame({"value": [2 * number]}))


def add(numbers: tuple[int, ...], config: str) -> Doubled:
    return Doubled(pd.DataFrame({"value": [sum(numbers)]}))


def task(root: str, key: str = "a", config: str = "c") -> Task:
    return Task("double", "label", double, (Given(key, 21),), config, Store(root))


@pytest.mark.parametrize("remote", [False, True])
def test_an_output_is_computed_once_and_found_again(tmp_path: Path, remote: bool) -> None:
    root = f"memory://{tmp_path}" if remote else str(tmp_path)
    RUNS.clear()
    first, second = execute(task(root)), execute(task(root))
    assert (first.fresh, second.fresh, RUNS) == (True, False, [21])
    assert first.url == second.url
    assert second.load().values["value"].tolist() == [42]


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "flipped":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    else:
        path.write_bytes(content[: len(content) // 2] if how == "cut" else b"")


@pytest.mark.parametrize("file", ["values.parquet", "_done"])
@pytest.mark.parametrize("how", ["missing", "cut", "empty", "flipped"])
def test_a_damaged_output_is_made_anew(tmp_path: Path, file: str, how: str) -> None:
    RUNS.clear()
    first = execute(task(str(tmp_path)))
    damage(Path(first.url) / file, how)
    again = execute(task(str(tmp_path)))
    assert (again.fresh, RUNS) == (True, [21, 21])
    assert again.load().values["value"].tolist() == [42]
    assert not execute(task(str(tmp_path))).fresh
    assert not list(tmp_path.rglob(".partial-*"))


def test_a_cut_output_elsewhere_is_made_anew(tmp_path: Path) -> None:
    RUNS.clear()
    root = f"memory://{tmp_path}"
    first = execute(task(root))
    fs = fsspec.filesystem("memory")
    path = f"{first.url}/values.parquet".removeprefix("memory://")
    fs.pipe_file(path, fs.cat_file(path)[:-1])
    assert execute(task(root)).fresh
    assert execute(task(root)).load().values["value"].tolist() == [42]
    assert RUNS == [21, 21]


def test_the_key_moves_with_inputs_config_grouping_and_stage(tmp_path: Path) -> None:
    base = task(str(tmp_path))
    a, b = Given("a", 1), Given("b", 2)
    keys = {base.key, task(str(tmp_path), key="b").key, task(str(tmp_path), config="d").key}
    grouped = [
        Task("double", "", add, inputs, "c", base.store).key
        for inputs in (((a, b),), ((a,), (b,)), (a, b), ((b, a),))
    ]
    assert len(keys | set(grouped)) == 7


def test_tuples_of_inputs_are_loaded_in_order(tmp_path: Path) -> None:
    group = (Given("a", 1), Given("b", 2))
    output: Output = execute(Task("add", "", add, (group,), "c", Store(str(tmp_path))))
    assert output.load().values["value"].tolist() == [3]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(str(tmp_path))

    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        store.publish("stage", "key", fail)
    assert not store.has("stage", "key")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_interrupted_output_is_replaced(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    unfinished = Path(store.url("stage", "key"))
    unfinished.mkdir(parents=True)
    (unfinished / "half.txt").write_text("half")
    store.publish(
        "stage", "key", lambda folder: (folder / "whole.txt").write_text("whole") and None
    )
    assert store.has("stage", "key")
    assert not (unfinished / "half.txt").exists()


def test_tables_survive_the_round_trip(tmp_path: Path) -> None:
    frame = pd.DataFrame({"value": [1.5, None], "name": ["x", "y"], "blob": [b"\x00", b"\x01"]})
    save_tables(Doubled(frame), tmp_path)
    pd.testing.assert_frame_equal(load_tables(str(tmp_path), Doubled).values, frame)
    assert fingerprint([frame]) == fingerprint([read_table(str(tmp_path / "values.parquet"))])


def test_the_fingerprint_sees_every_value_and_name() -> None:
    frame = pd.DataFrame({"value": [1.0, 2.0]})
    others = [
        frame * (1 + 1e-15),
        frame.iloc[::-1],
        frame.rename(columns={"value": "worth"}),
        frame[:1],
    ]
    assert fingerprint([frame]) not in {fingerprint([other]) for other in others}


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = write_file(str(tmp_path / "deep/er/file.txt"), b"old")
    write_file(path, b"new")
    assert Path(path).read_bytes() == b"new"
    assert [entry.name for entry in Path(path).parent.iterdir()] == ["file.txt"]


def test_digests_keep_boundaries() -> None:
    assert digest("ab", "c") != digest("a", "bc")
