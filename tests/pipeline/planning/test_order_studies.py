"""What is asked beside a plan: what takes long is said before it is begun."""

import pytest

from pipeline.commands.terminal import log_as
from pipeline.engine.config import load_config
from pipeline.parameters.schema import Params
from pipeline.planning import order_studies
from pipeline.planning.order_studies import frontier_text
from tests.pipeline.malformed.orders import whole_file


@pytest.mark.parametrize(("patience", "said"), [(0.0, True), (3600.0, False)])
def test_a_long_frontier_is_foretold(
    patience: float,
    said: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(order_studies, "PATIENCE", patience)
    log_as("text")
    order = load_config(None, {"allocate": {"shares": 1000}}).allocate
    text = frontier_text(Params.model_validate_json(whole_file()), "SIM0", order)
    assert len(text.splitlines()) == 2 + 9  # without risk aversion, and eight of them
    assert capsys.readouterr().err.startswith("frontier: 9 more plans, about ") == said
