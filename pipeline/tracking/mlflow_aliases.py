"""Which version of each registered model is in force: `champion`, `previous` and `challenger`."""

from collections.abc import Iterator

import mlflow

from pipeline.tracking.connection import tracking_uri
from pipeline.tracking.mlflow_content import UNCHANGED
from pipeline.tracking.mlflow_registry import CHALLENGER, CHAMPION, VERSION_TAG
from pipeline.tracking.mlflow_store import environment
from pipeline.tracking.record import Moved

PREVIOUS = "previous"
PAGE = 1000  # runs
WHOLE = "tags.level = 'run'"


@environment()
def align(moved: Moved) -> list[str]:
    """Let `champion` be the versions of what is in force, `previous` those that were, `challenger`
    those of a candidate that is not; return what has moved, as lines. A version that comes in force
    is tagged with who moved it, when and why. Twice does nothing the second time.

    A symbol whose run has not been tracked yet keeps its aliases.
    Raises: whatever MLflow and its store do.
    """
    client = mlflow.MlflowClient(tracking_uri())
    candidates = dict(_versions(client, moved.candidate)) if moved.candidate else {}
    said = []
    for name, version in _versions(client, moved.in_force):
        aliases = client.get_registered_model(name).aliases
        before = aliases.get(CHAMPION)
        if str(before) != version:
            if before is not None:
                client.set_registered_model_alias(name, PREVIOUS, str(before))
            client.set_registered_model_alias(name, CHAMPION, version)
            tags = {"in_force_by": moved.who, "in_force_why": moved.why, "in_force_at": moved.when}
            for key, value in tags.items():
                client.set_model_version_tag(name, version, key, value)
            was = "" if before is None else f" (was {before})"
            said.append(f"{name}: {CHAMPION} is version {version}{was}")
        candidate = candidates.pop(name, version)
        if candidate != version:
            client.set_registered_model_alias(name, CHALLENGER, candidate)
            client.set_model_version_tag(name, candidate, "held_back", moved.why)
        elif CHALLENGER in aliases and moved.candidate:
            client.delete_registered_model_alias(name, CHALLENGER)
    for name, candidate in candidates.items():
        client.set_registered_model_alias(name, CHALLENGER, candidate)
    return said


@environment()
def run_of_version(name: str, number: int) -> str | None:
    """Return the run whose files a version of a registered model is of, None where there is none.

    Raises: whatever MLflow and its store do.
    """
    client = mlflow.MlflowClient(tracking_uri())
    tagged = f"tags.{VERSION_TAG} = '{_quoted(f'{name} {number}')}'"
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(experiments, tagged, max_results=1)
    return str(found[0].data.tags["run_id"]) if found else None


def _versions(client: mlflow.MlflowClient, run_id: str) -> list[tuple[str, str]]:
    """Return each registered model that a run has a version of, and the version: an earlier run's
    where that was the same and nothing was registered anew.
    """
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = list(_tagged(client, experiments, run_id))
    if found:
        return found
    own = client.search_runs(experiments, f"tags.run_id = '{_quoted(run_id)}' and {WHOLE}")
    same = own[0].data.tags.get(UNCHANGED) if own else None
    return _versions(client, client.get_run(same).data.tags["run_id"]) if same else []


def _tagged(
    client: mlflow.MlflowClient, experiments: list[str], run_id: str
) -> Iterator[tuple[str, str]]:
    asked = f"tags.run_id = '{_quoted(run_id)}' and tags.{VERSION_TAG} LIKE '%'"
    token = None
    while True:
        page = client.search_runs(experiments, asked, max_results=PAGE, page_token=token)
        for run in page:
            name, _, number = run.data.tags[VERSION_TAG].rpartition(" ")
            yield name, number
        token = page.token
        if not token:
            return


def _quoted(text: str) -> str:
    return text.replace("'", "''")
