"""Records that wait to be tracked: as JSON, so that a later run can do what this one could not."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pandas as pd

from pipeline.engine.places import open_file, reading
from pipeline.tracking.record import DatasetRecord, ModelRecord, Record

KINDS = {kind.__name__: kind for kind in (Record, ModelRecord, DatasetRecord)}


@dataclass(frozen=True)
class Waiting:
    """A record, the experiment it is for, the run's own id and when it was made (ms since 1970)."""

    run_id: str
    experiment: str
    made: int
    record: Record

    def dump(self) -> bytes:
        """Return it as JSON."""
        content = {"run_id": self.run_id, "experiment": self.experiment, "made": self.made}
        return json.dumps(content | {"record": _plain(self.record)}).encode()


def read_waiting(url: str) -> Waiting:
    """Read what `dump` wrote.

    Raises: InputError when it cannot be read.
    """
    with open_file(url, "--out") as file, reading(url, "no record to track", "remove it"):
        content = json.loads(file.read())
        record = _whole(content["record"])
        return Waiting(content["run_id"], content["experiment"], content["made"], record)


def of_run(record: Record, run_id: str) -> Record:
    """Return the record with its figures drawn, and tagged with the run's own id throughout."""
    drawn = {}
    for name, figure in record.figures.items():
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        drawn[f"{name}.png"] = picture.getvalue()
    return replace(
        record,
        figures={},
        files={**record.files, **drawn},
        tags={**record.tags, "run_id": run_id},
        parts=tuple(of_run(part, run_id) for part in record.parts),
    )


def _parquet(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet; a column of values of several kinds becomes one of texts."""
    for kinds in ({}, {name: str for name in table if table[name].dtype == object}):
        written = io.BytesIO()
        try:
            table.astype(kinds).to_parquet(written, index=False)
            break
        except (TypeError, ValueError):  # pyarrow's among them
            if kinds:
                raise
    return written.getvalue()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        content = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"kind": type(value).__name__, "of": content}
    if isinstance(value, bytes):
        return {"kind": "bytes", "of": base64.b64encode(value).decode()}
    if isinstance(value, pd.DataFrame):
        return {"kind": "table", "of": _plain(_parquet(value))["of"]}
    if isinstance(value, Mapping):
        return {"kind": "map", "of": {str(name): _plain(each) for name, each in value.items()}}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_whole(each) for each in value)
    if not isinstance(value, dict):
        return value
    kind, content = value["kind"], value["of"]
    if kind == "bytes":
        return base64.b64decode(content)
    if kind == "table":
        return pd.read_parquet(io.BytesIO(base64.b64decode(content)))
    found = {name: _whole(each) for name, each in content.items()}
    if kind == "map":
        return found
    return KINDS[kind](**found)
