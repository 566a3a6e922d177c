"""The README's pictures, by a script: a symbol's page, and MLflow comparing and registering models.

Run: python -m benchmarks.pictures OUT SYMBOL, after `impact run` into the folder OUT and
`impact evaluate` with the candidates below; MLflow's pages are of the store that these were tracked
to. Pictures are written to docs/.
"""

import argparse
from pathlib import Path

import mlflow

from benchmarks import mlflow_pages as pages
from pipeline.report.view import page_name
from pipeline.tracking.connection import tracking_uri

DOCS = Path(__file__).parents[1] / "docs"
CANDIDATES = ("linear", "square_root", "rule")
REPORT = (30, 0, 1140, 920)  # x, y, width, height
COMPARED = (190, 0, 930, 1560)
MODEL = (190, 0, 930, 640)
TALL = {"width": 1500, "height": 1600}
REPORT_SIZE = {"width": 1200, "height": 940}


def main() -> None:
    """Take the three pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("symbol")
    asked = parser.parse_args()
    with pages.browsed(REPORT_SIZE) as page:
        page.goto((asked.out / page_name(asked.symbol)).resolve().as_uri())
        pages.picture(page, DOCS / "report.png", REPORT)
    uri = tracking_uri()
    experiment = mlflow.MlflowClient(uri).get_experiment_by_name("impact-evaluations")
    with pages.served(uri) as address, pages.browsed(TALL) as page:
        pages.open_runs(page, address, experiment.experiment_id)
        pages.compare_runs(page, CANDIDATES)
        pages.picture(page, DOCS / "mlflow-compare.png", COMPARED)
        pages.open_model(page, address, f"impact-{asked.symbol}")
        pages.picture(page, DOCS / "mlflow-model.png", MODEL)


if __name__ == "__main__":
    main()
