"""The research page of a symbol: every table and figure behind its plan."""

import pandas as pd

from pipeline.report.figures.clock import Clock
from pipeline.report.results import SymbolReport
from pipeline.report.tables import calibration as calibration_tables
from pipeline.report.tables import checks as check_tables
from pipeline.report.tables import forecasts as forecast_tables
from pipeline.report.tables import run as run_tables
from pipeline.report.tables.table import Table


def research_tables(report: SymbolReport, periods: int, clock: Clock) -> dict[str, Table]:
    """Return the tables of a symbol's research page by name; periods: of a full session."""
    facts, parameters = report.calibration.facts.iloc[0], report.calibration.parameters
    shrinkage = report.shrinkage
    return {
        "costs": run_tables.cost_table(report.schedule.costs, facts["family"]),
        "fit": calibration_tables.fit_table(facts),
        "parameters": calibration_tables.parameter_table(parameters),
        "levels": calibration_tables.level_table(parameters, periods, clock),
        "forecasts": forecast_tables.score_table(report.forecast.scores),
        "contest": forecast_tables.contest_table(report.forecast.contest),
        "families": calibration_tables.family_table(report.calibration.families),
        "checks": check_tables.check_table(facts, parameters),
        "sizes": calibration_tables.size_table(report.calibration.sizes),
        "shrinkage": calibration_tables.shrinkage_table(shrinkage, periods, clock),
        "candidates": run_tables.selection_table(report.selection.scores),
        "reaches": run_tables.reach_table(report.selection.reaches, report.selection.scores),
        "charged": run_tables.charged_table(report.selection.charged),
        "truth": run_tables.truth_table(parameters, report.planted),
    }


def held_out_words(backtest: pd.DataFrame) -> str:
    """Return which days were held out."""
    dates = backtest["date"].unique()
    return str(dates[0]) if len(dates) == 1 else f"{len(dates)} days (medians by period)"
