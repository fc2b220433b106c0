"""What every optimum promises, and that a broken promise is said."""

import pytest
import torch

from lowrot.data import sparse_parity, two_points
from lowrot.network import standard
from lowrot.optima import _optimum, frozen_margin, global_margin, ntk_margin, svm_margin


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
