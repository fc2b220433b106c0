"""Points of the plane, and space as a reader sees it."""

import numpy as np
import pytest
import torch

import lowrot
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")

PAIR = lowrot.two_points(1.3)


def test_points_are_as_large_as_their_weights():
    (ax,) = plots.grid(1)
    plots.points(PAIR, ax=ax, q=torch.tensor([0.7, 0.3], dtype=torch.float64))
    (drawn,) = [c for c in ax.collections if len(c.get_sizes())][:1]
    assert drawn.get_sizes() == pytest.approx([0.55 * (34 + 220), 0.55 * (34 + 220 * 3 / 7)])


def test_discs_are_positive_and_squares_negative():
    (ax,) = plots.grid(1)
    data = lowrot.sparse_parity(2)
    plots.points(data, ax=ax)
    for drawn, sign, corners in zip(ax.collections, (1, -1), (8, 4)):
        assert drawn.get_offsets().tolist() == data.X[data.y == sign].tolist()
        assert len(drawn.get_paths()[0].to_polygons()[0]) > corners


def test_points_refuse_what_is_not_of_the_plane():
    (ax,) = plots.grid(1)
    with pytest.raises(ValueError, match="d = 3; points draws d = 2 only"):
        plots.points(lowrot.sparse_parity(3), ax=ax)
    with pytest.raises(ValueError, match=r"q has shape \(3,\); expected 2"):
        plots.points(PAIR, ax=ax, q=torch.ones(3).double())
    with pytest.raises(TypeError, match="data is a Tensor; expected a Dataset"):
        plots.require_plane("points", PAIR.X)


def test_square_frames_the_unit_disc():
    (ax,) = plots.grid(1)
    assert plots.square(ax, "title") is ax
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_xlim()[0] < -1
    assert ax.get_aspect() == 1
    assert ax.get_title("left") == "title"


def test_the_view_of_space_keeps_lengths_and_looks_from_above():
    V = np.random.default_rng(0).normal(size=(5, 7, 3))
    found = plots.orthographic(V)
    assert np.linalg.norm(found, axis=2) == pytest.approx(np.linalg.norm(V, axis=2))
    right, up, toward = plots.orthographic(np.array([0.0, 0.0, 1.0]))
    assert right == 0
    assert up > toward > 0
