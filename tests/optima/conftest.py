"""What the tests of the optima share: random instances, and what every optimum must satisfy."""

import warnings

import pytest
import torch

from lowrot.data import Dataset
from lowrot.network import activation, balanced


@pytest.fixture(autouse=True)
def _no_broken_promise():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.fixture(scope="session")
def instance():
    """Random points of norm 1, random labels (or those of a linear teacher)."""

    def make(n, d, seed=0, teacher=False):
        generator = torch.Generator().manual_seed(seed)
        X = torch.randn(n, d, generator=generator, dtype=torch.float64)
        y = 1.0 - 2.0 * torch.randint(2, (n,), generator=generator).double()
        return Dataset(X / X.norm(dim=1, keepdim=True), torch.sign(X[:, 0]) if teacher else y)

    return make


@pytest.fixture(scope="session")
def directions():
    """Random unit rows and signs."""

    def make(m, d, seed=0):
        net = balanced(m, d, seed)
        return net.V / net.V.norm(dim=1, keepdim=True), net.a.sign()

    return make


@pytest.fixture(scope="session")
def jacobian():
    """The blocks G_ij, shape (n, m, k), from their formulas."""

    def make(net, data, layers):
        z = data.X @ net.V.T
        outer = activation(z, net.slope)[:, :, None]
        active = torch.where(z > 0, z.new_ones(()), net.slope) * net.a
        inner = active[:, :, None] * data.X[:, None, :]
        kept = {"outer": [outer], "inner": [inner], "both": [outer, inner]}[layers]
        return torch.cat(kept, dim=2) * data.y[:, None, None]

    return make


@pytest.fixture(scope="session")
def check():
    """The dual is on the simplex and the bounds are in order."""

    def hold(optimum, promised=1e-6):
        assert optimum.dual.dtype == torch.float64
        assert float(optimum.dual.min()) >= 0
        assert float(optimum.dual.sum()) == pytest.approx(1, abs=1e-12)
        assert optimum.value <= optimum.upper * (1 + 1e-14)
        assert optimum.gap == pytest.approx((optimum.upper - optimum.value) / optimum.upper)
        assert optimum.promised == promised
        assert optimum.certified

    return hold
