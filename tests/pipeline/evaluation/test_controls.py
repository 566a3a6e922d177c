"""What the controls of an evaluation are, and that they and further candidates enter it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.candidates import Candidate, Further
from pipeline.evaluation.controls import STATES, shuffled
from pipeline.evaluation.study import EvaluateRequest, evaluate
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_states_are_exchanged_together_and_nothing_else(small_run: SmallRun) -> None:
    params = small_run.result.results.params
    other = shuffled(params, 1)
    for name, one in params.symbols.items():
        before, after = one.periods, other.symbols[name].periods
        states = [tuple(getattr(each, key) for key in STATES) for each in before]
        moved = [tuple(getattr(each, key) for key in STATES) for each in after]
        assert sorted(states) == sorted(moved)
        assert states != moved
        kept = [each.model_dump(exclude=set(STATES)) for each in before]
        assert kept == [each.model_dump(exclude=set(STATES)) for each in after]


def test_further_candidates_work_with_parameters_of_their_own(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    request = EvaluateRequest(
        candidates=("point", "moment", "shuffled", "blind"),
        sizes=(0.01,),
        interval=600.0,
        out=str(small_run.folder / "out"),
    )
    same = Candidate("static", "the fitted law by another name", "other", point=True)
    further = Further({"same": same}, lambda by_law: {"other": by_law["law"]})
    found = evaluate(request, small_run.config, further)
    cost = {row.judged.name: row.judged.cost for row in found.rows if row.account == "by_price"}
    assert cost["same"] == cost["point"]
    assert cost["shuffled"] != cost["point"]
    assert cost["blind"] > cost["moment"]
    assert np.isfinite(list(cost.values())).all()
    with pytest.raises(KeyError):
        evaluate(replace(request, candidates=("twap",)), small_run.config, Further(
            {"lost": Candidate("static", "", "nowhere")}, lambda by_law: {}
        ))  # fmt: skip
