"""MLflow's pages as a reader walks through them, in Debian's Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PATIENCE = 120.0  # seconds that the server may take to answer
WAIT = 60_000  # milliseconds for anything on a page
WIDE = {"width": 1500, "height": 900}
NARROW = {"width": 390, "height": 844}  # a telephone
TRAINING = "workflowType=machine_learning"


def chromium() -> str | None:
    """Return where Debian's Chromium is, None where it is not installed."""
    return shutil.which("chromium")


@contextmanager
def served(uri: str) -> Iterator[str]:
    """Serve a store by `impact ui` meanwhile; yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "ui"]
    server = subprocess.Popen(
        [*command, "--port", str(port)],
        env=os.environ | {"MLFLOW_TRACKING_URI": uri},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _await(f"{address}/health")
        yield address
    finally:
        server.terminate()
        server.wait()


def _await(url: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@contextmanager
def browsed(size: dict[str, int] = WIDE) -> Iterator[Page]:
    """Open a page of the browser meanwhile."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport=size)
        page.set_default_timeout(WAIT)
        yield page
        browser.close()


def open_runs(page: Page, address: str, experiment_id: str) -> None:
    """Open an experiment's runs as the address that `impact run` prints does, the first one's
    nested runs unfolded.
    """
    page.goto(f"{address}/#/experiments/{experiment_id}/runs?{TRAINING}")
    row = page.locator(".ag-row").filter(has_text=", 20").first
    row.locator("button").first.click()


def compare_runs(page: Page, names: tuple[str, ...]) -> None:
    """Tick the runs whose names begin so, and press Compare."""
    for name in names:
        row = page.locator(".ag-row").filter(has_text=f"{name} ").first
        row.locator("input.ag-checkbox-input").first.check(force=True)
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_text("Parallel Coordinates Plot").wait_for()
    page.locator(".js-plotly-plot svg").first.wait_for()


def open_model(page: Page, address: str, name: str) -> None:
    """Open a registered model."""
    page.goto(f"{address}/#/models/{name}?{TRAINING}")
    page.get_by_text("@ champion").first.wait_for()


def picture(page: Page, path: Path, clip: tuple[int, int, int, int]) -> None:
    """Save a part of the page (x, y, width, height) in few colours, so that it is small."""
    from PIL import Image

    names = ("x", "y", "width", "height")
    page.screenshot(path=path, clip=dict(zip(names, clip, strict=True)), full_page=True)
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(colors=48)
    few.save(path, optimize=True)
