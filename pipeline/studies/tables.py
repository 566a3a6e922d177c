"""The tables that studies read, CSV or Parquet: opened in one place."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine.errors import InputError
from pipeline.engine.places import reading

SEPARATORS = (";", "\t", "|")


def read_table(path: str | Path, option: str, texts: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the file's table, in a CSV the columns of `texts` with every digit as it is written.

    Raises: InputError naming the file and the option that gave it when it cannot be read, has no
    rows, or its columns are not separated by commas.
    """
    with reading(str(path), "cannot be read as CSV or Parquet", f"check {option}"):
        if Path(path).suffix == ".parquet":
            pq.read_table(path).validate(full=True)  # of text, which else is found out much later
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, dtype=dict.fromkeys(texts, str))
    if frame.empty:
        raise InputError(f"{path}: no rows; check {option}")
    if frame.shape[1] == 1:
        other = next((each for each in SEPARATORS if each in str(frame.columns[0])), None)
        if other:
            raise InputError(f"{path}: its columns are separated by {other!r}; write commas")
    return frame


def check_plain(column: pd.Series, name: str, path: str | Path) -> None:
    """Raise InputError for a column of lists, structs, bytes or lengths of time."""
    values = column.dropna()
    first = values.iloc[0] if len(values) else None
    if isinstance(first, (list, dict, tuple, bytes, np.ndarray, pd.Timedelta)):
        kind = pa.array([first]).type if not isinstance(first, pd.Timedelta) else "duration"
        raise InputError(
            f"{path}: column '{name}' holds {kind}; write one number, text or time a row"
        )
