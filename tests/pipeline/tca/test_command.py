"""The command: a first page from nothing, files all or none, input that cannot be used."""

import json
from pathlib import Path

import pandas as pd
import pytest

from models.tca.orders.parts import PARTS
from tests.pipeline.command import Done, impact, refused
from tests.pipeline.report.html_page import parse


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    folder = tmp_path_factory.mktemp("sampled")
    options = ("--sample", "sample", "--no-track", "--pages", "3", "--json", "tca.json")
    return folder, impact("tca", *options, cwd=folder)


def test_the_sample_gives_a_first_page_and_every_table(sampled: tuple[Path, Done]) -> None:
    folder, done = sampled
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (folder / "tca").iterdir()}
    assert made >= {"tca.html", "orders.csv", "orders.parquet", "fills.parquet", "groups.csv"}
    assert len(list((folder / "tca" / "pages").iterdir())) == 3
    orders = pd.read_csv(folder / "tca" / "orders.csv")
    same = pd.read_parquet(folder / "tca" / "orders.parquet")
    assert list(orders) == list(same)
    bps = orders[[f"{name}_bps" for name in PARTS]].sum(axis=1)
    pd.testing.assert_series_equal(bps, orders["shortfall_bps"], check_names=False, atol=1e-9)
    told = json.loads((folder / "tca" / "tca.json").read_text())
    assert told == json.loads((folder / "tca.json").read_text())
    assert f"{told['shortfall']['value']:.3f}" in done.stdout


def test_pages_are_whole_and_lead_to_each_other(sampled: tuple[Path, Done]) -> None:
    folder, _ = sampled
    book = folder / "tca" / "tca.html"
    text = book.read_text()
    for path in (folder / "tca" / "pages").iterdir():
        assert f"pages/{path.name}" in text
        page = path.read_text()
        assert "../tca.html" in page
        parse(page)
        assert page.count("<svg") == 3
        assert "nan" not in page.lower().replace("finance", "")
    parse(text)
    assert text.count("<svg") == 4
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_an_older_sheet_is_replaced_and_other_files_are_not(sampled: tuple[Path, Done]) -> None:
    folder, _ = sampled
    options = ("--sample", "sample", "--no-track", "--pages", "1")
    assert impact("tca", *options, cwd=folder).returncode == 0
    assert len(list((folder / "tca" / "pages").iterdir())) == 1
    (folder / "tca" / "notes.txt").write_text("mine")
    refused(impact("tca", *options, cwd=folder), "notes.txt")
    (folder / "tca" / "notes.txt").unlink()


def test_what_is_missing_or_too_much_is_said(tmp_path: Path) -> None:
    refused(impact("tca", cwd=tmp_path), "--orders", "--sample")
    refused(impact("tca", "--orders", "o.csv", "--fills", "f.csv", "--no-track", cwd=tmp_path), "o")
    options = ("--sample", "s", "--orders", "o.csv", "--no-track")
    refused(impact("tca", *options, cwd=tmp_path), "--sample")
    refused(impact("tca", "--replay", "nowhere", "--no-track", cwd=tmp_path), "nowhere")
    assert not (tmp_path / "tca").exists()


def test_the_book_is_tracked(own_mlflow: Path) -> None:
    import mlflow

    done = impact("tca", "--sample", "sample", "--pages", "0", cwd=own_mlflow)
    assert done.returncode == 0, done.stderr
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("impact-tca")
    (run,) = client.search_runs([experiment.experiment_id])
    told = json.loads((own_mlflow / "tca" / "tca.json").read_text())
    assert run.data.metrics["cost_bps/shortfall"] == pytest.approx(told["shortfall"]["value"])
    parts = [run.data.metrics[f"cost_bps/{name}"] for name in PARTS]
    assert sum(parts) == pytest.approx(told["shortfall"]["value"])
    names = {Path(each.path).name for each in client.list_artifacts(run.info.run_id)}
    assert "groups.json" in names
    assert "orders.json" not in names
