"""What every optimum promises, and that a broken promise is said."""

import pytest
import torch

from lowrot.data import Dataset, sparse_parity, two_points
from lowrot.network import standard
from lowrot.optima import (
    NotSeparable,
    _optimum,
    frozen_margin,
    global_margin,
    ntk_margin,
    svm_margin,
)


def test_a_gap_above_the_promise_is_flagged(monkeypatch):
    monkeypatch.setattr(_optimum, "GAP", -1.0)
    with pytest.warns(RuntimeWarning, match="above the -1 promised"):
        best = svm_margin(two_points(0.5))
    assert not best.certified


def test_large_problems_promise_less(directions, check):
    V, s = directions(100_000, 4)
    best = frozen_margin(V, s, sparse_parity(4))
    check(best, promised=1e-4)
    assert best.gap <= 1e-6


def test_devices_must_agree():
    # The values of a meta tensor cannot be read: the check of devices is tested on its own.
    with pytest.raises(ValueError, match=r"net.V on meta, data.X on cpu"):
        _optimum.check_space("net.V", torch.ones(3, 2, device="meta").double(), two_points(0.5))


@pytest.mark.parametrize("given", [None, [[1.0, 0.0]], "xor.npz"])
def test_anything_but_a_data_set_is_named(given):
    net = standard(3, 2)
    for margin in (
        lambda: svm_margin(given),
        lambda: global_margin(given),
        lambda: ntk_margin(net, given),
        lambda: frozen_margin(net.V, net.a.sign(), given),
    ):
        with pytest.raises(
            TypeError, match=f"data is a {type(given).__name__}; expected a Dataset"
        ):
            margin()


def test_equality_is_identity():
    best, same = svm_margin(two_points(0.5)), svm_margin(two_points(0.5))
    assert best == best
    assert best != same
    assert len({best, same, best}) == 2


@pytest.mark.parametrize("unit", [1e-3, 1e-6, 1e-10, 1e-13])
def test_margins_scale_with_the_inputs(unit, instance, directions):
    # Every margin is homogeneous of degree one in the inputs: none is small as such.
    def scaled(data):
        return Dataset(unit * data.X, data.y)

    V, s = directions(150, 3, 1)
    V, s = torch.cat([V, V]), torch.cat([s, -s])
    net, linear, random = standard(40, 3, 2), instance(12, 3, 3, teacher=True), instance(12, 3, 3)
    for margin, data in (
        (svm_margin, linear),
        (global_margin, random),
        (lambda data: frozen_margin(V, s, data), random),
        (lambda data: ntk_margin(net, data), random),
        (lambda data: ntk_margin(net, data, norm="pointwise"), random),
    ):
        small, large = margin(scaled(data)), margin(data)
        assert small.certified
        assert small.value == pytest.approx(unit * large.value, rel=1e-6)
        assert small.upper == pytest.approx(unit * large.upper, rel=1e-6)
    with pytest.raises(NotSeparable):
        svm_margin(scaled(sparse_parity(3)))
