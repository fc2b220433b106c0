"""Figures of one-pass SGD near initialization: what they draw, on a small run."""

import pandas as pd
import pytest

import lowrot
from figures import near_init_sgd as figures

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)


@pytest.fixture(scope="module")
def trained():
    net = lowrot.standard(200, 2, seed=0)
    stated = lowrot.near_init_sgd(net, XOR, samples=40)
    runs = lowrot.one_pass_sgd(
        net,
        lowrot.parity_stream(2),
        samples=40,
        eta=stated.eta,
        seeds=[0, 1],
        records=range(40),
        keep=True,
    )
    return stated, runs


def test_a_run_at_a_glance(trained):
    stated, runs = trained
    left, middle, ring = figures.sgd_at_a_glance(runs, [stated], XOR)
    assert [len(left.lines), len(middle.lines)] == [2 + 2, 2 + 2]
    assert middle.lines[-2].get_ydata()[0] == stated.displacement
    assert ring.get_title("left") == "directions, start to end"
    assert len(ring.lines) >= 96
    assert left.lines[0].get_ydata()[-1] == runs.paths[0]["test_error"][-1]


def test_fractions_of_the_bounds_end_at_one(trained):
    stated, runs = trained
    frame = stated.inequalities(runs.paths[0]).frame
    ax = figures.used_fractions({"rho": (frame.samples + 1, frame.step / frame.step_bound)})
    assert len(ax.lines) == 2
    assert list(ax.lines[0].get_ydata()) == list(frame.step / frame.step_bound)
    assert ax.lines[1].get_ydata() == [1.0, 1.0]
    assert ax.get_yscale() == "log"


def test_curves_of_a_sweep():
    rows = [
        (rule, d, m, seed, s, 0.5 / (1 + s), 1.0 / (1 + s))
        for rule in ("logistic", "perceptron")
        for d in (2, 4)
        for m in (16, 64)
        for seed in (0, 1)
        for s in (0, 1, 8)
    ]
    names = ["rule", "d", "m", "seed", "samples", "test_error", "error_bound"]
    axes = figures.error_curves(pd.DataFrame(rows, columns=names))
    assert len(axes) == 4
    assert [ax.get_title() for ax in axes] == [""] * 4
    assert [ax.get_title("left") for ax in axes] == ["$d = 2$", "$d = 4$", "", ""]
    assert list(axes[1].lines[0].get_xdata()) == [1 / 16, 8 / 16]
    assert all(len(ax.lines) >= 4 for ax in axes)


def test_power_laws_shares_and_bounds():
    x = [2, 4, 8]
    left, right = figures.power_laws(
        {"a": {"seen": (x, x, "o"), "law": (x, x, "-")}, "b": {"wide": ([1, 1000], [1, 2], "--")}},
        [("d", "y"), ("m", "z")],
    )
    assert [t.get_text() for t in left.get_xticklabels()] == ["2", "4", "8"]
    assert left.lines[0].get_linestyle() == "None"
    assert right.get_xlabel() == "m"
    frame = pd.DataFrame({"d": 2, "m": [4, 8], "conclusion": "all"})
    frame = frame.assign(share=[0.5, 1.0], low=[0.4, 0.9], high=[0.6, 1.0])
    ax, _ = figures.held_fractions({"d = 2": (frame, 100.0)})
    assert list(ax.lines[0].get_ydata()) == [0.5, 1.0]
    assert list(ax.lines[1].get_xdata()) == [100.0, 100.0]
    ax = figures.bounds_on_error({"bound": (x, [1, 0.5, 0.1])}, (x, [0.3, 0.1, 0.01]), "measured")
    drawn = [line.get_xydata().T.tolist() for line in ax.lines[:2]]
    assert drawn == [[x, [1, 0.5, 0.1]], [x, [0.3, 0.1, 0.01]]]
