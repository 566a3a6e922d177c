"""Backtest forecasters on a panel: `impact backtest-forecasts`."""

import difflib
import os
from dataclasses import asdict, dataclass

from models.forecast.daily.boosted import BoostedModel
from models.forecast.daily.catalogue import BASELINE, MODELS
from models.forecast.daily.combination import Combination
from models.forecast.daily.measures import Measures
from models.forecast.evaluation.comparison import DailyScore, compare
from models.forecast.evaluation.rolling_origin import (
    BacktestProtocol,
    DailyTrack,
    joined_tracks,
    track_model,
)
from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.executor import Executor
from pipeline.engine.json_content import json_ready
from pipeline.engine.sessions import SessionCalendar
from pipeline.studies.panels import Panel, read_panel

BLOCK = 512  # origins a task: fixed, so that results do not depend on the number of workers
MANY_FORECASTS = 5000  # below it starting worker processes costs more than it saves
SEED = 0  # of the confidence set's bootstrap


@dataclass(frozen=True)
class BacktestRequest:
    """What `impact backtest-forecasts` was asked; models: names with commas between, or "all"."""

    panel: str
    target: str
    models: str
    protocol: BacktestProtocol
    baseline: str = BASELINE


def request(
    panel: str, target: str, models: str, days: tuple[int, int], baseline: str
) -> BacktestRequest:
    """Return the request; days: window (0: the default) and horizon.

    Raises: InputError naming the option out of range.
    """
    window, horizon = days
    try:
        protocol = BacktestProtocol(window or BacktestProtocol.window, horizon)
    except ValueError as error:
        raise InputError(f"--{error}") from None
    return BacktestRequest(panel, target, models, protocol, baseline)


@dataclass(frozen=True)
class Block:
    """Consecutive origins of one model: what a worker does at a time."""

    model: str
    measures: Measures
    protocol: BacktestProtocol
    origins: range


@dataclass(frozen=True)
class Backtest:
    """The scores, best first.

    skipped: models that could not run, with the reason; unscored: origins whose day has no positive
    level; panel: what was read; parts: what models of models were made of, by name.
    """

    request: BacktestRequest
    first: str
    last: str
    origins: int
    unscored: int
    panel: Panel
    scores: list[DailyScore]
    skipped: dict[str, str]
    parts: dict[str, tuple[str, ...]]


def backtest_panel(request: BacktestRequest, config: Config) -> Backtest:
    """Run every model asked for over the panel and compare them.

    Raises: InputError when the panel, a model's name or the protocol cannot be used.
    """
    names = _names(request.models, request.baseline)
    calendar = SessionCalendar(config.data.calendar, config.data.period_seconds)
    panel = read_panel(request.panel, request.target, calendar)
    measures = panel.measures
    try:
        origins = request.protocol.origins(len(measures))
    except ValueError as error:
        raise InputError(
            f"{request.panel}: {error}; give a longer panel or a smaller --window"
        ) from None
    tracks, skipped = _tracks(names, measures, request.protocol, origins, config)
    if request.baseline in skipped:
        raise InputError(
            f"{request.panel}: the baseline {request.baseline} cannot run: "
            f"{skipped[request.baseline]}"
        )
    try:
        scores = compare(tracks, request.baseline, request.protocol.horizon, SEED)
    except ValueError as error:
        raise InputError(f"{request.panel}: {error}") from None
    days = tracks[request.baseline].day
    first, last = (str(measures.needed("date")[day]) for day in (days[0], days[-1]))
    unscored = int((~(tracks[request.baseline].realized > 0)).sum())
    parts = {
        name: model.parts(measures)
        for name, model in MODELS.items()
        if name in tracks and isinstance(model, BoostedModel | Combination)
    }
    return Backtest(request, first, last, len(origins), unscored, panel, scores, skipped, parts)


def report_text(backtest: Backtest) -> str:
    """Return the scores as a table."""
    request = backtest.request
    lines = [
        f"{request.target}: {backtest.origins - backtest.unscored} days scored of "
        f"{backtest.origins} origins, {backtest.first} to {backtest.last}, window "
        f"{request.protocol.window}, horizon {request.protocol.horizon}; left out: "
        f"{backtest.unscored} days without a positive level, {backtest.panel.partial} days with "
        f"less than half of the usual bars, {backtest.panel.outside} bars outside sessions",
        f"measured beside it: {', '.join(backtest.panel.companions) or 'nothing'}",
        f"{'model':<24}{'QLIKE':>8}{'MSE':>11}{'MAE log':>9}{'bias':>8}{'cover':>7}"
        f"{'DM':>8}{'p':>9}{'MCS p':>7}",
    ]
    lines += [
        f"{row.model:<24}{row.qlike:>8.4f}{row.mse:>11.4g}{row.mae_log:>9.4f}{row.bias:>+8.3f}"
        f"{row.coverage:>7.3f}{row.dm:>8.2f}{row.dm_p:>9.2g}{row.mcs_p:>7.3f}"
        f"{' *' if row.in_mcs else ''}"
        for row in backtest.scores
    ]
    lines += [f"{name} of {', '.join(parts)}" for name, parts in backtest.parts.items()]
    lines += [f"skipped {name}: {reason}" for name, reason in backtest.skipped.items()]
    return "\n".join(lines)


def content(backtest: Backtest) -> dict[str, object]:
    """Return the backtest as JSON-ready values, null where a test could not be made."""
    return {
        **asdict(backtest.request),
        "first": backtest.first,
        "last": backtest.last,
        "origins": backtest.origins,
        "unscored": backtest.unscored,
        "partial": backtest.panel.partial,
        "outside": backtest.panel.outside,
        "companions": backtest.panel.companions,
        "skipped": backtest.skipped,
        "parts": backtest.parts,
        "scores": json_ready([asdict(score) for score in backtest.scores]),
    }


def _names(models: str, baseline: str) -> list[str]:
    """Return the models to run, the baseline among them."""
    asked = list(MODELS) if models == "all" else [name.strip() for name in models.split(",")]
    for name in [*asked, baseline]:
        if name not in MODELS:
            near = difflib.get_close_matches(name, MODELS, n=1, cutoff=0.4)
            hint = f"did you mean '{near[0]}'?" if near else f"the models are {', '.join(MODELS)}"
            raise InputError(f"--models: no model '{name}'; {hint}")
    return list(dict.fromkeys([baseline, *asked]))


def _tracks(
    names: list[str], measures: Measures, protocol: BacktestProtocol, origins: range, config: Config
) -> tuple[dict[str, DailyTrack], dict[str, str]]:
    """Return every model's track, and the reason of those that cannot run."""
    blocks = [
        Block(name, measures, protocol, origins[begin : begin + BLOCK])
        for begin in range(0, len(origins), BLOCK)
        for name in names
    ]
    workers = config.executor.workers
    if workers == "auto":
        workers = len(os.sched_getaffinity(0)) if len(origins) * len(names) > MANY_FORECASTS else 0
    with Executor(workers, config.executor.scheduler) as executor:
        found = executor.map(_run_block, blocks, "backtest")
    parts: dict[str, list[DailyTrack]] = {name: [] for name in names}
    skipped: dict[str, str] = {}
    for block, result in zip(blocks, found, strict=True):
        if isinstance(result, str):
            skipped.setdefault(block.model, result)
        else:
            parts[block.model].append(result)
    whole = {name: joined_tracks(each) for name, each in parts.items() if name not in skipped}
    return whole, skipped


def _run_block(block: Block) -> DailyTrack | str:
    """Return the block's track, or why the model cannot be fitted to this panel."""
    try:
        return track_model(MODELS[block.model], block.measures, block.protocol, block.origins)
    except ValueError as error:
        return str(error)
