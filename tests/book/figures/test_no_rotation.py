"""Figures of the no-rotation chapter: masses, bounds, proof, widths."""

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import no_rotation as figures
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)
TAUS = [0, 1, 2, 5, 50]


@pytest.fixture(scope="module")
def followed():
    features = lowrot.Features.from_network(lowrot.balanced(20, 2))
    path = lowrot.coupled_flow(features, XOR, stop={"tau": 50.0})
    return features, path, lowrot.no_rotation(features, XOR)


def test_masses_are_areas_at_each_time(followed):
    features, path, _ = followed
    axes = figures.masses(path, features, XOR, taus=TAUS)
    assert len(axes) == 5
    assert axes[0].figure.get_figwidth() <= plots.WIDEST
    shares = features.shares(XOR, path["z"][[0, -1]]).numpy()
    for ax, share in zip((axes[0], axes[-1]), shares):
        dots = ax.collections[-1]
        assert np.asarray(dots.get_offsets()) == pytest.approx(features.directions.numpy())
        assert dots.get_sizes() == pytest.approx(2.0 + 260.0 * share)


def test_masses_in_space_are_pale_on_the_far_side():
    cube = lowrot.sparse_parity(3)
    features = lowrot.Features.from_network(lowrot.balanced(20, 3))
    path = lowrot.coupled_flow(features, cube, stop={"tau": 1.0})
    (ax,) = figures.masses(path, features, cube, taus=[0])
    far, near = [c for c in ax.collections if c.get_alpha() in (0.22, 0.8)]
    toward = plots.orthographic(features.directions.numpy())[:, 2]
    assert [far.get_alpha(), near.get_alpha()] == [0.22, 0.8]
    assert [len(c.get_offsets()) for c in (far, near)] == [(toward < 0).sum(), (toward >= 0).sum()]
    with pytest.raises(ValueError, match="d = 4; directions can be drawn for d = 2 or 3"):
        figures.masses(path, features, lowrot.sparse_parity(4), taus=[0])


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
