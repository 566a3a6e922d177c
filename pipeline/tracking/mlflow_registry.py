"""Fitted models in MLflow: logged in formats that run no foreign code, registered when they change.

A symbol's first version becomes `champion`, every later one `challenger`; `mlflow_aliases` moves
`champion`.
"""

import hashlib
import io
import tempfile
import warnings
from contextlib import redirect_stderr
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightgbm
import mlflow
import skops.io
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import AnyType

from pipeline.tracking.record import ModelRecord

CHAMPION, CHALLENGER = "champion", "challenger"
VERSION_TAG = "registered_version"  # of a run: the registered model and its version
CONTENT = "content"  # the tag of a version: the digest of what was stored
TRUSTED = [  # types of scikit-learn's and SciPy's own that skops does not know
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
COST = Schema([ColSpec("double")])
LAW_SIGNATURE = ModelSignature(  # any number of shares: a double column would refuse integers
    Schema([ColSpec("long", "period"), ColSpec(AnyType(), "shares")]), COST
)


def log_model(model: ModelRecord) -> None:
    """Log a model to the active run; one to be registered becomes a new version of its registered
    model, unless a version of that content is there: then the run is tagged with that one.
    """
    content = hashlib.sha256(model.content).hexdigest()
    if model.registered and (known := _version_of(model.registered, content)):
        mlflow.set_tag(VERSION_TAG, f"{model.registered} {known}")
        return
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # it chats about registrations
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        warnings.filterwarnings("ignore", message=".*AnyType.*")
        info = _log_law(model, content) if model.form == "law" else _log_regressor(model)
    if model.registered:
        _describe(model, content, str(info.registered_model_version))


def _version_of(name: str, content: str) -> str | None:
    """Return the registered model's version of this content, None where there is none."""
    asked = f"name = '{name.replace(chr(39), chr(39) * 2)}' and tags.{CONTENT} = '{content}'"
    found = mlflow.MlflowClient().search_model_versions(asked, max_results=1)
    return str(found[0].version) if found else None


def _describe(model: ModelRecord, content: str, number: str) -> None:
    """Give a new version its description, tags and alias."""
    client, name = mlflow.MlflowClient(), str(model.registered)
    alias = CHALLENGER if CHAMPION in client.get_registered_model(name).aliases else CHAMPION
    client.update_model_version(name, number, model.description)
    for key, value in {**model.tags, CONTENT: content}.items():
        client.set_model_version_tag(name, number, key, value)
    client.set_registered_model_alias(name, alias, number)
    mlflow.set_tag(VERSION_TAG, f"{name} {number}")


def _log_law(model: ModelRecord, content: str) -> Any:
    """Log the law as JSON behind code that reads it, so that no project class is pickled."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "law.json"
        stored.write_bytes(model.content)
        return mlflow.pyfunc.log_model(
            name=model.name,
            python_model=_source("pipeline.parameters.registered_law"),
            artifacts={"law": str(stored)},
            model_config={"sha256": content},
            code_paths=[str(Path(_source("solver")).parent)],
            signature=LAW_SIGNATURE,
            registered_model_name=model.registered,
            pip_requirements=_requirements("mlflow", "numpy", "scipy", "pandas"),
        )


def _source(module: str) -> str:
    """Return the file that a module of this project is written in, without importing it."""
    return str(find_spec(module).origin)


def _log_regressor(model: ModelRecord) -> Any:
    signature = ModelSignature(Schema([ColSpec("double", name) for name in model.features]), COST)
    if model.form == "lightgbm-text":
        return mlflow.lightgbm.log_model(
            lightgbm.Booster(model_str=model.content.decode()),
            name=model.name,
            signature=signature,
            pip_requirements=_requirements("mlflow", "lightgbm", "numpy"),
        )
    return mlflow.sklearn.log_model(
        skops.io.loads(model.content, trusted=TRUSTED),
        name=model.name,
        signature=signature,
        serialization_format="skops",
        skops_trusted_types=TRUSTED,
        pip_requirements=_requirements("mlflow", "scikit-learn", "skops", "numpy"),
    )


def _requirements(*names: str) -> list[str]:
    return [f"{name}=={version(name)}" for name in names]
