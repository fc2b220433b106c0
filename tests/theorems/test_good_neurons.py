"""Good neurons: the definition, their probability in closed form and by sampling, the width."""

import math

import numpy as np
import pytest
import torch

from lowrot import Dataset, Network, collapsed_groups, infer_groups, sparse_parity, standard
from lowrot.theorems import (
    binomial_interval,
    cap_fractions,
    good_neurons,
    plane_arcs,
    plane_fractions,
    sampled_fractions,
    uncovered,
    width_needed,
)

XOR = infer_groups(sparse_parity(2))


def test_the_definition_on_two_groups():
    data = Dataset([[1.0, 0.0], [0.8, 0.6], [-0.6, 0.8]], [1, 1, -1], [0, 0, 1])
    V = [[1.0, 0.0], [1.0, 0.0], [0.8, 0.6], [-1.0, 0.9], [-1.0, 0.9], [0.1, -1.0]]
    net = Network([1.0, -1.0, 1.0, 1.0, -1.0, 1.0], V)
    # Neuron 0 is good for group 0; with the wrong sign it is not (1), nor is zero on a point of
    # the other group silent (2). The sign also decides for group 1 (3, 4). Neuron 5 is not active
    # on all of group 0.
    assert good_neurons(net, data).tolist() == [
        [True, False, False, False, False, False],
        [False, False, False, False, True, False],
    ]
    # With opposite labels nothing need be silent here, and neuron 2 is good as well.
    heavy = Network(2 * net.a, V)
    assert good_neurons(heavy, data, opposite=True).tolist() == [
        [True, False, True, False, False, False],
        [False, False, False, False, True, False],
    ]
    assert not good_neurons(Network(0.5 * net.a, V), data, opposite=True).any()
    with pytest.raises(ValueError, match="net has d = 3"):
        good_neurons(standard(4, 3), data)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2])
def test_arcs_in_the_plane_in_closed_form(spread):
    three = collapsed_groups(3, 2, spread=spread)
    assert plane_fractions(three) == pytest.approx([(math.pi / 3 - 2 * spread) / (4 * math.pi)] * 3)
    two = collapsed_groups(2, 2, spread=spread)
    assert plane_fractions(two) == pytest.approx([(math.pi - 2 * spread) / (4 * math.pi)] * 2)


def test_arcs_hold_exactly_the_good_directions():
    data = collapsed_groups(3, 2, spread=0.15, seed=2)
    angle = torch.linspace(-3, 3, 1200, dtype=torch.float64)
    V = torch.stack([angle.cos(), angle.sin()], 1)
    for k, (start, length) in enumerate(plane_arcs(data)):
        sign = float(data.y[data.groups == k][0])
        found = good_neurons(Network(torch.full((1200,), sign).double(), V), data)[k].numpy()
        inside = (angle.numpy() - start) % (2 * math.pi) < length
        assert (found == inside).all()


def test_two_points_at_an_angle():
    for angle in (math.pi / 2, 2.0, math.pi):
        data = Dataset([[1.0, 0.0], [math.cos(angle), math.sin(angle)]], [1, -1], [0, 1])
        assert plane_fractions(data) == pytest.approx([angle / (4 * math.pi)] * 2)


def test_groups_that_no_neuron_tells_apart_have_fraction_zero():
    between = Dataset([[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]], [1, -1, -1], [0, 1, 1])
    assert plane_fractions(between)[0] == 0.0
    assert cap_fractions(between)[0] == 0.0


def test_xor_has_no_good_neuron_but_for_opposite_labels():
    assert plane_fractions(XOR).tolist() == [0.0] * 4
    assert plane_fractions(XOR, opposite=True) == pytest.approx([0.25] * 4)
    assert cap_fractions(XOR, opposite=True) == pytest.approx([0.25] * 4)


@pytest.mark.parametrize("arguments", [(3, 2, 0.2), (2, 2, 0.6)])
def test_sampling_agrees_with_the_plane_and_caps_are_below(arguments):
    r, d, spread = arguments
    data = collapsed_groups(r, d, spread=spread)
    exact, found = plane_fractions(data), sampled_fractions(data, samples=40_000, confidence=0.9999)
    assert (found.low <= exact).all()
    assert (exact <= found.high).all()
    assert (cap_fractions(data) <= exact + 1e-9).all()
    hits = np.round(2 * found.fraction * 40_000)
    low, high = binomial_interval(hits, 40_000, 0.9999)
    np.testing.assert_array_equal(found[["low", "high"]], np.stack([low, high], 1) / 2)
    wide = sampled_fractions(data, samples=400, confidence=0.9999)
    assert (wide.high - wide.low > found.high - found.low).all()


def test_orthonormal_groups_have_two_to_the_minus_r_minus_one():
    for r in (1, 2, 4):
        data = collapsed_groups(r, 6, sizes=1, spread=0.0, blocks=r)
        found = sampled_fractions(data, samples=40_000, seed=r, confidence=0.9999)
        assert (found.low <= 2.0 ** -(r + 1)).all()
        assert (found.high >= 2.0 ** -(r + 1)).all()
        assert (cap_fractions(data) <= 2.0 ** -(r + 1) + 1e-12).all()


def test_sampled_fractions_are_those_of_neurons():
    data = collapsed_groups(3, 4, spread=0.1)
    share = good_neurons(standard(100_000, 4, seed=5), data).double().mean(dim=1).numpy()
    found = sampled_fractions(data, samples=100_000, seed=6)
    assert np.allclose(share, found.fraction, atol=5 * math.sqrt(0.05 / 100_000))


def test_the_probability_of_a_missing_group_is_exact():
    assert uncovered([0.3], 4) == pytest.approx(0.7**4)
    xor = 4 * 0.75**9 - 6 * 0.5**9 + 4 * 0.25**9
    assert uncovered([0.25] * 4, 9) == pytest.approx(xor)
    assert uncovered([0.5, 0.0], 9) == 1.0
    P = np.array([0.05, 0.1, 0.2])
    rng = np.random.default_rng(0)
    drawn = rng.choice(4, (20_000, 25), p=[*P, 1 - P.sum()])
    missing = np.mean([len(set(row) & {0, 1, 2}) < 3 for row in drawn])
    assert missing == pytest.approx(uncovered(P, 25), abs=5 * math.sqrt(0.25 / 20_000))


def test_the_width_needed_is_enough_and_hardly_more():
    P = [0.1, 0.1, 0.2]
    m = width_needed(P, 0.01)
    assert uncovered(P, int(m)) <= 0.01 < uncovered(P, int(0.9 * m))
    assert m <= math.ceil(math.log(3 / 0.01) / 0.1)
    assert width_needed([0.1, 0.0], 0.5) == math.inf
    assert width_needed([1.0], 0.01) == 1.0


def test_fractions_that_are_none_are_refused():
    with pytest.raises(ValueError, match="disjoint"):
        uncovered([0.6, 0.6], 3)
    with pytest.raises(ValueError, match="disjoint"):
        width_needed([-0.1], 0.1)
    with pytest.raises(ValueError, match="at most 20"):
        uncovered([0.01] * 21, 3)
    with pytest.raises(ValueError, match="d = 3; expected 2"):
        plane_fractions(sparse_parity(3))
    assert torch.get_default_dtype() == torch.float32


def test_masked_and_complex_fractions_are_refused():
    for wrong in (np.ma.masked_array([0.1, 0.2], [False, True]), [0.1, 0.2j], ["0.1"]):
        with pytest.raises(TypeError, match="fractions"):
            width_needed(wrong, 0.1)
        with pytest.raises(TypeError, match="fractions"):
            uncovered(wrong, 3)
