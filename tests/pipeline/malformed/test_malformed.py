"""Every reader on malformed files: read, or refused in one clear line that leaves nothing."""

from pathlib import Path

import pytest

from tests.pipeline.malformed.outcome import outcome
from tests.pipeline.malformed.readers import READERS

CASES = 15


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # of Databento's client
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", READERS)
def test_malformed_files_are_read_or_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = []
    for seed in range(CASES):
        end, change, said = outcome(name, seed, tmp_path / "case")
        noise = capfd.readouterr().err
        if end not in ("read", "refused") or noise:
            wrong.append((end, seed, change, said, noise))
    assert not wrong
