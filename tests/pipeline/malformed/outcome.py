"""What a reader makes of a malformed file: tables, one clear line, or neither."""

import shutil
from pathlib import Path

import numpy as np

from pipeline.engine.errors import InputError
from tests.pipeline.malformed.readers import READERS

LONGEST = 300  # characters of a message


def outcome(name: str, seed: int, folder: Path) -> tuple[str, str, str]:
    """Return how it ended (read, refused, or what is wrong), how it was mutated, what was said."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "files").mkdir(parents=True)
    reader = READERS[name]
    reader.write(folder / "files")
    change = reader.spoil(folder / "files", np.random.default_rng([seed, len(name)]))
    try:
        reader.read(folder / "files")
    except InputError as error:
        said = str(error)
        if len(said) > LONGEST or not said.isprintable():
            return "unclear", change, said
        if any(part for part in (folder / "store").rglob("*") if part.is_file()):
            whole = all((each / "_done").exists() for each in (folder / "store").glob("*/*"))
            return ("refused" if whole else "partial"), change, said
        return "refused", change, said
    except BaseException as error:  # a panic of the engine below is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return "traceback", change, f"{type(error).__name__}: {error}"[:400]
    return "read", change, ""
