"""What a study hands over to be tracked: names, numbers, tables and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.engine.commit import code_commit


@dataclass(frozen=True)
class DatasetRecord:
    """Data that a run has read: a name, its fingerprint and where it is.

    facts: what else is to be said of it (symbols, first and last day), as text.
    """

    name: str
    fingerprint: str
    source: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelRecord:
    """A fitted model in its stored form.

    form: "law" (one symbol's section of params.json), "lightgbm-text" or "skops"; features: its
    columns, none for a law; registered: the registered model that it becomes a version of, or none;
    description, tags: of that version.
    """

    name: str
    form: str
    content: bytes
    features: tuple[str, ...] = ()
    registered: str | None = None
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One run to be tracked, and the runs nested in it.

    about: what the runs of its experiment are; description: of this one, in words.
    identity: digest of all that the run was made of; an equal one before it means that nothing has
    changed, and its models are not logged again.
    Names of metrics are grouped by slashes (`cost_bps/optimal`). steps: metrics with steps, a
    column each, their step in the column `step`. tables: logged as tables that the UI opens;
    figures: matplotlib's, logged as PNG; files: by name and content; datasets: what was read;
    commit: of the code that found it.
    """

    name: str
    about: str = ""
    description: str = ""
    identity: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    steps: pd.DataFrame | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    commit: str = field(default_factory=code_commit)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    datasets: tuple[DatasetRecord, ...] = ()
    models: tuple[ModelRecord, ...] = ()
    parts: tuple["Record", ...] = ()


@dataclass(frozen=True)
class Moved:
    """What is in force after a night or a move by hand, and tonight's candidate, as run ids (none
    where nothing is a candidate); who moved it, why and when.
    """

    in_force: str
    candidate: str
    who: str
    why: str
    when: str
