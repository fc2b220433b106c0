"""What all tests share: one thread a worker, and one browser a session."""

import os
import shutil

import pytest

# Tests side by side would otherwise wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    """One headless Chromium for the whole session."""
    if CHROMIUM is None:
        message = "no Chromium on this machine: the pages were not looked at in a browser"
        if os.environ.get("CI"):
            pytest.fail(message + ", and CI must not skip that")
        pytest.skip(message)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def headless():
    """Figures without a display, in the style of the book, closed afterwards."""
    import matplotlib.pyplot as plt

    from lowrot import plots

    plt.switch_backend("agg")
    plots.use_style()
    yield
    plt.close("all")
