"""The tangent kernel of a network while neurons slide: the rates of the flows themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lowrot import Network, balanced, gradient_flow, regression_flow, sparse_parity, standard
from lowrot.flow._planes import Planes

STEP = 1e-4
"""Of the difference quotients, in the clock of the flow."""


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def around(times):
    """Each time with the two whose difference quotient is the rate there."""
    return [t + shift for t in times for shift in (-STEP, 0.0, STEP)]


def rates_around(path, column, times):
    """At each time: the row, the pairs that slide throughout, and the difference quotient."""
    for k in range(2, 3 * len(times) + 1, 3):
        sliding = path["sliding"][k - 1 : k + 2]
        assert sliding.min() == sliding.max()
        yield k, sliding[0], (path[column][k + 1] - path[column][k - 1]) / (2 * STEP)


def random_inputs(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return X, torch.randn(n, generator=generator, dtype=torch.float64).sign()


def test_the_loss_of_regression_falls_at_the_rate_of_the_kernel():
    """``dL/dt = -r^T K r``; with one-sided slopes the rate is up to many times too large."""
    (X, y), rates, times = random_inputs(10, 3, 1), (1.0, 3.0), [1.0, 3.0, 10.0]
    save = around(times)
    path = regression_flow(
        standard(8, 3, 1), X, y, rates=rates, stop={"t": save[-1]}, save=save, rtol=1e-6
    )
    assert path.ok, path.status
    overstated = []
    for k, sliding, slope in rates_around(path, "loss", times):
        assert sliding >= 2
        net, r = Network(tensor(path["a"][k]), tensor(path["V"][k])), tensor(path["q"][k])
        assert -float(r @ net.kernel(X, rates=rates) @ r) == pytest.approx(slope, rel=1e-3)
        overstated.append(-float(r @ net.kernel(X, rates=rates, kink=None) @ r) / slope)
    assert min(overstated) > 1.02
    assert max(overstated) > 3


def test_the_soft_margin_rises_at_the_rate_of_the_kernel():
    """``P' = q^T K q = ||W'||^2`` for the exponential loss, on XOR, where all neurons slide."""
    data, times = sparse_parity(2), [2.0, 3.0, 5.0]
    save = around(times)
    path = gradient_flow(
        balanced(12, 2, seed=1), data, stop={"tau": save[-1]}, save=save, rtol=1e-5
    )
    assert path.ok, path.status
    for k, sliding, slope in rates_around(path, "P", times):
        assert sliding >= 5
        net, q = Network(tensor(path["a"][k]), tensor(path["V"][k])), tensor(path["q"][k])
        outer, inner = ((path[s][k + 1] - path[s][k - 1]) / (2 * STEP) for s in ("a", "V"))
        speed = (outer**2).sum() + (inner**2).sum()
        assert slope == pytest.approx(speed, rel=1e-3)
        assert float(q @ net.kernel(data) @ q) == pytest.approx(slope, rel=1e-3)
        assert float(q @ net.kernel(data, kink=None) @ q) > 1.2 * slope


@pytest.mark.parametrize("slope", [0.0, 0.4])
@pytest.mark.parametrize("layers", ["both", "outer", "inner"])
def test_the_kernel_is_that_of_the_steps(slope, layers):
    """Neurons on one plane, on two, on parallel inputs and on none, beside one at zero."""
    X, _ = random_inputs(9, 3, 5)
    X[6], X[7] = -30.0 * X[0], 1e-3 * X[2]
    planes = Planes.of(X, slope)
    net = balanced(12, 3, seed=3, slope=slope)
    V = net.V.clone()
    V[:5] -= torch.outer(V[:5] @ X[0], X[0]) / X[0].square().sum()
    V[5:8] = torch.linalg.cross(X[2], X[4])
    V[8] = 0.0
    net = Network(net.a, V, slope)
    rates = {"both": (0.3, 2.0), "outer": (0.3, 0.0), "inner": (0.0, 2.0)}[layers]
    S = planes.sides(V)
    assert int((S == 0).sum()) == 5 + 2 * 3 + 7
    expected = planes.kernel(net.a, V, S, rates)
    got = net.kernel(X, layers=layers, rates=(0.3, 2.0))
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)
