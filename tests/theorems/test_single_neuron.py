"""One neuron and the least norm: the theorem against the exact least norm, both ways."""

import pytest
import torch

from lowrot.optima import least_interpolant
from lowrot.theorems import single_neuron


def draw(d, seed):
    """Unit inputs on the positive side of a unit neuron."""
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(d, d, generator=g).double()
    w = torch.randn(d, generator=g).double()
    X, w = X / X.norm(dim=1, keepdim=True), w / w.norm()
    return X * torch.sign(X @ w)[:, None], w


@pytest.mark.parametrize("d", [2, 3, 4])
def test_one_neuron_is_least_if_and_only_if_the_dual_function_is_at_most_one(d):
    seen = {True: 0, False: 0}
    for seed in range(40):
        X, w = draw(d, seed)
        stated, best = single_neuron(X, w), least_interpolant(X, X @ w)
        seen[stated.holds] += 1
        if stated.holds:
            assert best.value == pytest.approx(stated.value, rel=1e-7)
        elif stated.largest > 1.01:
            assert best.value < stated.value * (1 - 1e-7)
        assert stated.lower * (1 - 1e-7) <= best.value <= stated.value * (1 + 1e-7)
        assert stated.largest >= 1 - 1e-12
        assert not stated.sufficient or stated.holds
        assert torch.allclose(X.T @ stated.q, w / w.norm(), atol=1e-9)
    assert min(seen.values()) >= 3


def test_the_network_of_the_neuron_is_balanced_and_meets_the_labels():
    X, w = draw(3, 1)
    net = single_neuron(X, 4 * w).network()
    assert torch.allclose(net(X), 4 * X @ w)
    assert float(net.a[0]) == pytest.approx(float(net.V.norm()))
    assert net.norm_squared / 2 == pytest.approx(4.0)


def test_an_input_on_the_other_side_is_seen():
    stated = single_neuron(torch.eye(2).double(), torch.tensor([1.0, -1.0]).double())
    assert [h.holds for h in stated.hypotheses] == [False, True]


@pytest.mark.parametrize(
    ("X", "w", "words"),
    [
        ([[1.0, 0.0]], [1.0, 0.0], "1 inputs in 2 dimensions"),
        ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], "w is zero"),
    ],
)
def test_what_has_no_theorem_is_refused(X, w, words):
    with pytest.raises(ValueError, match=words):
        single_neuron(torch.tensor(X).double(), torch.tensor(w).double())
