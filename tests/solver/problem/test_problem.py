"""Arguments are checked, and the messages name them."""

import subprocess
import sys

import numpy as np
import pytest

from solver import (
    PowerLaw,
    Problem,
    ProblemError,
    Settings,
    TableLaw,
    evaluate,
    solve,
    twap,
    value_function,
)
from tests.solver.cases import path_cost, random_problem

LAW = PowerLaw([1.0, 2.0], 1.5)
NUMPY = Settings(compiled=False)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("scale", lambda: PowerLaw(-1.0, 1.5)),
        ("scale", lambda: PowerLaw(np.nan, 1.5)),
        ("scale", lambda: PowerLaw(np.ones((2, 2)), 1.5)),
        ("exponent", lambda: PowerLaw(1.0, 0.1)),
        ("exponent", lambda: PowerLaw(1.0, 9.0)),
        ("spread", lambda: PowerLaw(1.0, 1.5, np.inf)),
        ("cost", lambda: TableLaw([1.0, 2.0])),
        ("cost", lambda: TableLaw([[1.0, 2.0]])),
        ("shares", lambda: Problem(-5.0, LAW)),
        ("shares", lambda: Problem(0.0, LAW)),
        ("shares", lambda: Problem([1.0, 2.0], LAW)),
        ("lot", lambda: Problem(10.0, LAW, lot=3.0)),
        ("side", lambda: Problem(10.0, LAW, side="short")),
        ("law", lambda: Problem(10.0, 1.0)),
        ("periods", lambda: Problem(10.0, PowerLaw(1.0, 1.5))),
        ("per-period", lambda: Problem(10.0, LAW, drift=np.zeros(3))),
        ("sigma", lambda: Problem(10.0, LAW, sigma=-1.0)),
        ("drift", lambda: Problem(10.0, LAW, drift=np.nan)),
        ("risk_aversion", lambda: Problem(10.0, LAW, risk_aversion=-1.0)),
        ("cap", lambda: Problem(10.0, LAW, cap=4.0)),
        ("floor", lambda: Problem(10.0, LAW, floor=6.0)),
        ("floor must be <= cap", lambda: Problem(10.0, LAW, floor=[3.0, 0.0], cap=[2.0, 9.0])),
        ("method", lambda: solve(Problem(10.0, LAW), method="best")),
        ("method", lambda: solve(Problem(2.0, TableLaw(np.zeros((2, 3)))), method="nlp")),
        ("periods", lambda: Problem(10.0, PowerLaw(1.0, 1.5), periods="a")),
        ("periods", lambda: Problem(10.0, PowerLaw(1.0, 1.5), periods=np.nan)),
        ("periods", lambda: Problem(10.0, PowerLaw(1.0, 1.5), periods=2.5)),
        ("side", lambda: Problem(10.0, LAW, side=["buy"])),
        ("own_impact", lambda: Problem(10.0, LAW, own_impact="full")),
        ("own_impact", lambda: Problem(10.0, LAW, own_impact=0.5)),
        ("permanent", lambda: Problem(10.0, LAW, permanent=None)),
        ("drift", lambda: Problem(10.0, LAW, drift=None)),
        ("sigma", lambda: Problem(10.0, LAW, sigma=1e200, risk_aversion=1.0)),
        ("tolerance", lambda: Settings(tolerance="a")),
        ("grid", lambda: Settings(grid=1.5)),
        ("shares", lambda: twap(np.nan, 2)),
        ("periods", lambda: twap(10.0, 2.5)),
        (
            "lot makes",
            lambda: solve(
                Problem(1e5, PowerLaw(np.ones(4), 0.6), cap=8e4), integer=True, settings=NUMPY
            ),
        ),
        ("period", lambda: value_function(Problem(10.0, LAW)).value(-1, 0)),
        ("period", lambda: value_function(Problem(10.0, LAW)).trade(2, 0)),
        ("start", lambda: solve(Problem(10.0, LAW), start=[1.0])),
        ("x must have shape", lambda: evaluate(Problem(10.0, LAW), [1.0])),
        ("x must be >= 0", lambda: evaluate(Problem(10.0, LAW), [11.0, -1.0])),
        ("whole lots", lambda: evaluate(Problem(2.0, TableLaw(np.zeros((2, 3)))), [0.5, 1.5])),
        (
            "within the table",
            lambda: evaluate(Problem(3.0, TableLaw(np.zeros((2, 3)))), [3.0, 0.0]),
        ),
        ("tolerance", lambda: Settings(tolerance=0.0)),
        (
            "max_cells",
            lambda: solve(Problem(1e5, LAW), method="dp", settings=Settings(max_cells=10)),
        ),
        (
            "whole lots",
            lambda: value_function(
                Problem(10.0, LAW, cap=5.5, floor=5.2 * np.array([0.0, 0.0]), lot=10.0)
            ),
        ),
    ],
)
def test_message_names_the_argument(name: str, make: object) -> None:
    with pytest.raises(ProblemError, match=name):
        make()


def test_problem_error_is_a_value_error() -> None:
    assert issubclass(ProblemError, ValueError)


def test_evaluate_equals_walking_the_price() -> None:
    for seed in range(200):
        problem = random_problem(np.random.default_rng(seed), 6, 9)
        draws = np.random.default_rng(seed).multinomial(
            problem.lots, np.ones(problem.n) / problem.n
        )
        if problem.tabular and draws.max() > problem.lot_limits[1].max():
            continue
        x = draws * problem.lot
        pieces = evaluate(problem, x)
        assert pieces.objective == pytest.approx(path_cost(problem, x), rel=1e-11, abs=1e-12)
        assert pieces.shortfall == pytest.approx(
            pieces.spread + pieces.temporary + pieces.permanent + pieces.drift
        )
        assert pieces.risk == pytest.approx(problem.risk_aversion * pieces.variance)


def test_import_loads_neither_scipy_nor_numba() -> None:
    code = (
        "import sys, solver; print(any(m.split('.')[0] in ('scipy', 'numba') for m in sys.modules))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "False"
    )


def test_values_outside_the_lattice_are_infinite() -> None:
    function = value_function(Problem(10.0, LAW))
    assert function.value(0, 9) == function.value(0, 11) == np.inf
    assert np.isfinite(function.value(0, 10))


def test_a_checked_problem_does_not_change_with_its_inputs() -> None:
    scale, drift, table = np.ones(3), np.zeros(3), np.array([[0.0, 1.0]])
    problem, law = Problem(10.0, PowerLaw(scale, 1.5), drift=drift), TableLaw(table)
    scale[0], drift[0], table[0, 1] = np.nan, 99.0, np.nan
    assert np.array_equal(problem.terms.scale, np.ones(3))
    assert not np.any(problem.drift)
    assert law.table[0, 1] == 1.0
    for array in (problem.drift, problem.sigma, law.table, problem.terms.scale):
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(array)[...] = 5.0
