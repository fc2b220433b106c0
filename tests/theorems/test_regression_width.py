"""Widths that are predicted for regression are safe: sampled starts of them meet the hypotheses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lowrot
from lowrot.diagnosis import _case
from lowrot.diagnosis._width import least_width
from lowrot.kernels import ntk
from lowrot.network import Network
from lowrot.theorems import regression_outer
from lowrot.theorems._regression import State
from lowrot.theorems._regression_width import FAILURE, Wider

SIZES = ((12, 3), (20, 10))


def points(n, d, seed):
    data = lowrot.gaussian_regression(n, d, "teacher", seed=seed)
    X, y = data.X / data.X.norm(dim=1).max(), data.y
    return X, y / y.square().mean().sqrt()


def predicted(theorem, at):
    return least_width(lambda m: all(h.holds for h in theorem.at_width(m)), at)


def share(m, X, y, seeds):
    """The share of standard starts of a width whose hypotheses hold."""
    d = X.shape[1]
    return np.mean([regression_outer(lowrot.standard(m, d, s), X, y).holds for s in seeds])


@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("seed", range(2))
def test_starts_of_a_predicted_width_meet_the_hypotheses(n, d, seed):
    X, y = points(n, d, seed)
    theorem = regression_outer(lowrot.standard(4000, d, seed), X, y)
    m = predicted(theorem, 4000)
    assert share(m, X, y, range(10, 20)) >= 1 - 2 * FAILURE
    assert share(m // 3, X, y, range(10, 20)) <= 0.5


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_the_kernel_of_infinite_width_is_the_end_that_is_not_safe(n, d):
    """With m times its least eigenvalue, and the residuals of one start, most starts fail."""
    X, y = points(n, d, 0)
    theorem = regression_outer(lowrot.standard(400, d, 0), X, y)
    limit = float(np.linalg.eigvalsh(ntk(X, block="outer").numpy())[0])
    m = int(theorem.chi * theorem.R / limit) + 1
    assert m < predicted(theorem, 400)
    assert share(m, X, y, range(10)) < 0.95


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_eigenvalues_per_neuron_grow_with_the_width_in_the_mean(slope):
    """The mean over starts never falls from m to 2 m, and stays below that of infinite width."""
    X, y = points(8, 4, 0)
    limit = float(np.linalg.eigvalsh(ntk(X, block="outer", slope=slope).numpy())[0])
    means = [
        np.mean([State(lowrot.standard(m, 4, s, slope), X, y).least((1.0, 0.0)) / m
                 for s in range(200)])
        for m in (16, 32, 64, 512)
    ]  # fmt: skip
    assert means == sorted(means)
    assert means[-1] < limit * 1.01
    assert means[0] < 0.8 * limit


def test_residuals_stay_below_their_end():
    X, y = points(20, 10, 0)
    top = Wider.of(State(lowrot.standard(400, 10, 0), X, y)).R
    R = [float((lowrot.standard(2000, 10, s)(X) - y).norm()) for s in range(400)]
    assert np.mean(np.array(R) > top) <= FAILURE
    assert top < 1.6 * np.quantile(R, 1 - FAILURE)


def test_parts_of_a_start_add_up_to_no_more_than_the_start():
    X, y = points(12, 3, 0)
    net = lowrot.standard(800, 3, 1)
    wider = Wider.of(State(net, X, y))
    assert wider.least == 100
    assert 0 < wider.square * 800 <= State(net, X, y).least((1.0, 0.0))
    assert wider.at(99) == 0
    assert wider.at(100) == pytest.approx(100 * wider.square)


def test_what_is_not_known_is_not_carried():
    """Fewer neurons than points: no eigenvalue, at any width; a lucky start counts as the limit."""
    X, y = points(12, 3, 0)
    theorem = regression_outer(lowrot.standard(11, 3, 0), X, y)
    assert predicted(theorem, 11) is None
    net = lowrot.standard(400, 3, 0)
    large = Network(net.a, 10 * net.V, net.slope)
    limit = float(np.linalg.eigvalsh(ntk(X, block="outer").numpy())[0])
    assert Wider.of(State(large, X, y)).square == pytest.approx(limit)


@pytest.mark.parametrize("seed", range(2))
def test_the_diagnosis_predicts_from_the_widest_start_it_can_afford(seed, monkeypatch):
    monkeypatch.setattr(_case, "WEIGHTS", 2000 * 4)
    X, y = points(12, 3, seed)
    needed = lowrot.diagnose(40, (X, y), seed=seed)["thm-reg-outer"].needed
    assert needed.how == "predicted"
    assert "safe side" in needed.words
    m = int(needed.value)
    assert m <= predicted(regression_outer(lowrot.standard(40, 3, seed), X, y), 40)
    assert share(m, X, y, range(20, 30)) >= 1 - 2 * FAILURE
    assert torch.isfinite(y).all()
