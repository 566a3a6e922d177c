"""The daily forecasters by name: the one place where they are listed."""

from models.forecast.daily import designs
from models.forecast.daily.boosted import BoostedModel
from models.forecast.daily.combination import Combination
from models.forecast.daily.garch import Garch
from models.forecast.daily.level import Ewma, LocalLevel, RandomWalk
from models.forecast.daily.linear import LinearModel, Richest
from models.forecast.daily.model import DailyModel

_LINEAR = (
    LinearModel("har", designs.har, logs=False),
    LinearModel("harq", designs.harq, logs=False, filtered=True),
    LinearModel("semivariance_har", designs.semivariance_har, logs=False),
    LinearModel("jump_har", designs.jump_har, logs=False),
    LinearModel("log_har", designs.log_har, logs=True),
    LinearModel("log_calendar_har", designs.log_calendar_har, logs=True),
    LinearModel("log_jump_har", designs.log_jump_har, logs=True),
    LinearModel("log_semivariance_har", designs.log_semivariance_har, logs=True),
    LinearModel("log_harq", designs.log_harq, logs=True),
    LinearModel("log_semivariance_harq", designs.log_semivariance_harq, logs=True),
    LinearModel("log_calendar_harq", designs.log_calendar_harq, logs=True),
)
_BY_NAME = {model.name: model for model in _LINEAR}


def _richest(*names: str) -> Richest:
    return Richest(tuple(_BY_NAME[name] for name in names))


# The combination takes one of each kind: logs with and without the weekday, levels, and no
# regression at all; each the richest of its kind that the panel's measures allow.
_LOGS = _richest("log_semivariance_harq", "log_semivariance_har", "log_harq", "log_har")
_OTHERS = (
    RandomWalk(),
    Ewma(),
    Garch("garch", asymmetric=False),
    Garch("gjr", asymmetric=True),
    LocalLevel(),
    BoostedModel("lightgbm", _LOGS),
    Combination(
        "combination",
        (
            _richest("log_calendar_harq", "log_calendar_har"),
            _LOGS,
            _richest("semivariance_har", "har"),
            Ewma(),
        ),
    ),
)
MODELS: dict[str, DailyModel] = {model.name: model for model in (*_LINEAR, *_OTHERS)}
BASELINE = "har"
