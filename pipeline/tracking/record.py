"""What a study hands over to be tracked: names, numbers, tables and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class ModelRecord:
    """A fitted model in its stored form.

    form: "law" (one symbol's section of params.json), "lightgbm-text" or "skops"; features: its
    columns, none for a law; registered: the registered model that it becomes a version of, or none.
    """

    name: str
    form: str
    content: bytes
    features: tuple[str, ...] = ()
    registered: str | None = None


@dataclass(frozen=True)
class Record:
    """One run to be tracked, and the runs nested in it.

    Names of metrics are grouped by slashes (`cost_bps/optimal`). tables: logged as CSV; figures:
    matplotlib's, logged as PNG; files: by name and content.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    models: tuple[ModelRecord, ...] = ()
    parts: tuple["Record", ...] = ()
