"""The configuration file: what it accepts, and how it says what it does not."""

import tomllib
from pathlib import Path

import pytest

from pipeline.engine.config import Config, load_config
from pipeline.engine.errors import InputError
from tests.conftest import ROOT


def write(folder: Path, text: str) -> str:
    path = folder / "impact.toml"
    path.write_text(text)
    return str(path)


def test_the_file_in_the_repository_states_every_default() -> None:
    stated = tomllib.loads((ROOT / "config/default.toml").read_text())
    assert Config.model_validate(stated) == Config()
    assert {section: set(keys) for section, keys in stated.items()} == {
        section: set(keys) for section, keys in Config().model_dump().items()
    }


def test_the_command_line_overrides_the_file_and_leaves_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, "[allocate]\nshares = 7\nlot = 7\n")
    config = load_config(path, {"allocate": {"shares": 14, "side": None}, "data": {"source": None}})
    assert (config.allocate.shares, config.allocate.lot, config.allocate.side) == (14, 7, "buy")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[allocate]\nshars = 5\n", "did you mean 'shares'"),
        ("[alocate]\nshares = 5\n", "did you mean 'allocate'"),
        ("[allocate]\nshares = -5\n", "shares = -5"),
        ("[allocate]\nside = 'short'\n", "side = 'short'"),
        ("[executor]\nworkers = -1\n", "workers"),
        ("[allocate\n", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_config(path)
    assert path in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.toml.*cannot read"):
        load_config(str(tmp_path / "absent.toml"))
