"""Rings: a thread a neuron, the heaviest on top, and how far the weights have turned."""

import math

import numpy as np
import pytest
import torch

import lowrot
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)


def turned(net, degrees):
    t = math.radians(degrees)
    turn = torch.tensor([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]]).double()
    return lowrot.Network(net.a, net.V @ turn.T)


def test_threads_lead_from_the_first_direction_to_the_last():
    net = lowrot.Network([1.0, -2.0], [[1.0, 0.0], [0.0, 2.0]])
    ax = plots.ring(net, turned(net, 90), XOR, title="turned")
    light, heavy = ax.lines[2:]
    assert heavy.get_xydata()[[0, -1]] == pytest.approx(
        np.array([[0.0, 0.62], [-1.0, 0.0]]), abs=1e-12
    )
    assert heavy.get_linewidth() > 2 * light.get_linewidth()
    assert heavy.get_color() == plots.NEGATIVE
    assert light.get_color() == plots.POSITIVE
    assert ax.get_title("left") == "turned"
    assert ax.texts[0].get_text() == "key weights turn by 90°"


def test_threads_take_the_shorter_way_around():
    before = lowrot.Network([1.0], [[-1.0, 0.1]])
    ax = plots.ring(before, lowrot.Network([1.0], [[-1.0, -0.1]]), XOR)
    assert (ax.lines[2].get_xdata() < -0.6).all()
    assert ax.texts[0].get_text() == "key weights turn by 11°"


def test_large_angles_are_whole_degrees():
    ax = plots.ring(lowrot.Network([1.0], [[1.0, 0.0]]), lowrot.Network([1.0], [[-1.0, 0.5]]), XOR)
    assert ax.texts[0].get_text() == "key weights turn by 153°"


def test_no_more_neurons_than_asked_and_data_outside():
    net = lowrot.balanced(50, 2, seed=0)
    (axis,) = plots.grid(1)
    before = net.V.clone()
    ax = plots.ring(net, net, XOR, shown=20, ax=axis)
    assert ax is axis
    assert len(ax.lines) == 2 + 20
    assert ax.texts[0].get_text() == "key weights turn by 0°"
    outside = [c.get_offsets() for c in ax.collections]
    assert sum(map(len, outside)) == XOR.n
    assert all((row**2).sum() > 1 for rows in outside for row in rows)
    assert torch.equal(net.V, before)


def test_what_is_not_one_network_of_the_plane_is_refused():
    net = lowrot.balanced(4, 2)
    with pytest.raises(ValueError, match="after has d = 3; ring draws d = 2"):
        plots.ring(net, lowrot.balanced(4, 3), XOR)
    with pytest.raises(ValueError, match="data has d = 3; ring draws d = 2"):
        plots.ring(net, net, lowrot.sparse_parity(3))
    with pytest.raises(ValueError, match=r"after m = 6 .*expected the same neurons"):
        plots.ring(net, lowrot.balanced(6, 2), XOR)
    with pytest.raises(TypeError, match="before is a Tensor; expected a Network"):
        plots.ring(net.V, net, XOR)
    with pytest.raises(ValueError, match="shown is 0"):
        plots.ring(net, net, XOR, shown=0)
