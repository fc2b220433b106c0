"""Figures of the no-rotation chapter: masses, bounds, proof, widths."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import no_rotation as figures
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)


@pytest.fixture(scope="module")
def followed():
    features = lowrot.Features.from_network(lowrot.balanced(20, 2))
    path = lowrot.coupled_flow(features, XOR, stop={"tau": 50.0})
    return features, path, lowrot.no_rotation(features, XOR)


@pytest.mark.parametrize(("d", "kind"), [(2, "circle"), (3, "sphere")])
def test_masses_move_on_directions_that_stay(d, kind):
    cube = lowrot.sparse_parity(d)
    features = lowrot.Features.from_network(lowrot.balanced(20, d))
    path = lowrot.coupled_flow(features, cube, stop={"tau": 5.0}, save=[0.0, 1.0, 5.0])
    text = str(figures.masses(path, features, cube, title="title"))
    held = json.loads(re.search(r'application/json">(.*?)</script>', text, re.S)[1])
    (panel,) = held["panels"]
    assert (panel["kind"], len(panel["directions"])) == (kind, 1)
    shares = (np.array(panel["shares"]) / 1000) ** 2
    expected = features.shares(cube, path["z"]).numpy()
    assert shares == pytest.approx(expected, abs=2e-3)
    assert np.sign(panel["shares"][0]).tolist() == features.signs.tolist()
    with pytest.raises(ValueError, match="d = 4; directions can be drawn for d = 2 or 3"):
        figures.masses(path, features, lowrot.sparse_parity(4), title="title")


def test_bounds_and_their_distances(followed):
    _, path, stated = followed
    frame = stated.check(path).frame
    left, right = figures.bounds(frame, XOR.known["gamma_gl"])
    assert left.figure.get_figwidth() <= plots.WIDEST
    assert [list(line.get_ydata()) for line in left.lines[:4]] == [
        list(frame[name]) for name in ("dual", "margin", "bound", "bound_a_priori")
    ]
    assert [line.get_ydata()[0] for line in left.lines[4:]] == [
        stated.gamma.value,
        XOR.known["gamma_gl"],
    ]
    assert list(right.lines[0].get_ydata()) == list(stated.gamma.value - frame.margin)
    assert len(figures.bounds(frame)[0].lines) == 5


def test_lines_of_the_proof(followed):
    _, path, stated = followed
    frame = stated.inequalities(path).frame
    axes = figures.proof_lines(frame)
    assert axes[0].figure.get_figwidth() <= plots.WIDEST
    larger = [list(ax.lines[0].get_ydata()) for ax in axes]
    assert larger == [
        list(frame[name]) for name in ("optimal_growth", "ln_norm", "norm_growth_bound")
    ]


def test_relevant_mass_leaves_out_the_start():
    ax = figures.relevant_mass({"a": (np.array([0.0, 1.0]), np.array([0.5, 0.9]))})
    assert ax.lines[0].get_xydata().tolist() == [[1.0, 0.9]]


def test_widths_have_a_bound_each():
    rows = [(2, m, seed, 1 / m + seed) for m in (4, 8) for seed in (0, 1)]
    covering = pd.DataFrame({"d": 2, "m": [4, 8], "bound": [3.0, 0.5]})
    ax = figures.widths(pd.DataFrame(rows, columns=["d", "m", "seed", "loss"]), covering)
    assert ax.lines[0].get_ydata() == pytest.approx([0.75, 0.625])
    assert ax.lines[1].get_ydata().tolist() == [1.0, 0.5]


def test_tables_name_their_columns_by_formulas_and_keep_the_digits_of_margins(followed):
    _, path, stated = followed
    frame = stated.check(path).frame.iloc[[0, -1]]
    shown = figures.both_sides(frame).data
    assert "certificate <span" in shown
    assert r"\hat\gamma" in shown
    assert f"{frame.dual.iloc[-1]:.5f}" in shown
    assert shown.count("<tr") == 3
    shown = figures.columns(path.frame().iloc[[-1]]).data
    assert r"\ln \|u\|_1" in shown
    assert f"{path['margin'][-1]:.5f}" in shown
