"""What is compared: a parameter file, or the one of a tracked run with that run's metrics."""

import json
import re

from pipeline.comparison.changes import Side
from pipeline.parameters.schema import params_of, read_params

RUN_ID = re.compile(r"[0-9a-f]{32}")


def read_side(source: str) -> Side:
    """Return a side by the path or URL of its params.json, or by its MLflow run's id.

    Raises: InputError when it cannot be read.
    """
    if not RUN_ID.fullmatch(source):
        return Side(source, read_params(source))
    from pipeline.tracking.mlflow_reading import read_run

    run = read_run(source, "params.json")
    params = params_of(json.loads(run.content), f"params.json of run {source}")
    return Side(f"{run.name} ({source})", params, run.metrics)
