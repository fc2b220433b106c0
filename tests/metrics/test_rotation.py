"""Rotation and change of features: known by hand, blind to what they should not see."""

import math

import pytest
import torch

from lowrot import Dataset, Network, balanced, feature_change, rotation, sparse_parity, standard

POINTS = Dataset(torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64), [1, -1])


def net(a, V):
    return Network(torch.tensor(a).double(), torch.tensor(V).double())


def turned(degrees, length=1.0):
    t = math.radians(degrees)
    return [length * math.cos(t), length * math.sin(t)]


def test_nothing_changes_while_only_outer_weights_move():
    start = standard(50, 3, seed=0)
    cube = sparse_parity(3)
    found = feature_change(Network(3 * start.a, start.V), start, cube)
    assert (found.turned, found.key_turned, found.flips, found.kernel) == (0, 0, 0, 0)
    scaled = feature_change(Network(start.a, 7 * start.V), start, cube)
    assert scaled.kernel == pytest.approx(0, abs=1e-14)
    assert scaled.flips == 0


def test_numbers_by_hand():
    start = net([1.0, 1.0, 1.0], [turned(45), turned(45), turned(45)])
    # Angles 0, 30, 90: median 30; weights 1, 2, 6 (|a| ||v||).
    moved = net([1.0, -1.0, 2.0], [turned(45), turned(75, 2.0), turned(135, 3.0)])
    found = feature_change(moved, start, POINTS)
    assert math.degrees(found.turned) == pytest.approx(30)
    assert math.degrees(found.key_turned) == pytest.approx((2 * 30 + 6 * 90) / 9)
    # Only the last neuron left the side of a point, the first one.
    assert found.flips == pytest.approx(1 / 6)
    h = [torch.relu(w.V @ POINTS.X.T) for w in (start, moved)]
    flips = torch.outer(POINTS.y, POINTS.y)
    grams = [flips * (x.T @ x) for x in h]
    expected = (grams[0] / grams[0].norm() - grams[1] / grams[1].norm()).norm()
    assert found.kernel == pytest.approx(float(expected))


def test_a_sliding_pair_has_left_its_side():
    start = net([1.0], [turned(45)])
    assert feature_change(net([1.0], [[1.0, 1e-17]]), start, POINTS).flips == 0.5
    assert feature_change(net([1.0], [[1.0, 1e-3]]), start, POINTS).flips == 0.0


def test_small_angles_are_accurate():
    start = net([1.0], [turned(0)])
    found = feature_change(net([1.0], [[1.0, 1e-10]]), start, POINTS)
    assert found.turned == pytest.approx(1e-10, rel=1e-6)


def test_a_dead_layer_has_no_kernel():
    start = net([1.0], [turned(45)])
    assert math.isnan(feature_change(net([1.0], [turned(225)]), start, POINTS).kernel)
    assert math.isnan(feature_change(net([0.0], [turned(45)]), start, POINTS).key_turned)


def test_what_does_not_fit_is_named():
    start = standard(4, 2, seed=0)
    with pytest.raises(ValueError, match="initial has inner weights"):
        feature_change(standard(5, 2), start, POINTS)
    with pytest.raises(ValueError, match="slope"):
        feature_change(standard(4, 2, slope=0.5), start, POINTS)
    with pytest.raises(ValueError, match="data have d = 3"):
        feature_change(start, start, sparse_parity(3))
    with pytest.raises(ValueError, match="1 neurons have v_j = 0"):
        feature_change(net([1.0], [[0.0, 0.0]]), net([1.0], [turned(1)]), POINTS)


def test_rotation_is_an_angle_accurate_when_small():
    initial = Network([1.0] * 5, [[1.0, 0.0]] * 4 + [[0.0, 0.0]])
    angles = [0.0, 1e-9, 2.0, math.pi]
    rows = [[3 * math.cos(t), 3 * math.sin(t)] for t in angles] + [[1.0, 0.0]]
    turned = rotation(Network([1.0] * 5, rows), initial).tolist()
    assert turned[:4] == pytest.approx(angles, rel=1e-12)
    assert math.isnan(turned[4])
    with pytest.raises(ValueError, match="shape"):
        rotation(initial, balanced(3, 2))


def test_a_kink_has_no_scale():
    # Pairs are on a kink by the angle alone: 1e-3 from the second axis' hyperplane.
    start = net([1.0], [turned(45)])
    data = Dataset(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.5]]).double(), [1, -1, 1])
    small = Dataset(1e-3 * data.X, data.y)
    for length in (1e-4, 1.0, 1e4):
        now = net([1.0], [[length, 1e-3 * length]])
        for points in (data, small):
            assert feature_change(now, start, points, kink=1e-2).flips == pytest.approx(2 / 3)
            assert feature_change(now, start, points, kink=1e-4).flips == 0.0
            assert feature_change(now, start, points).flips == 0.0
