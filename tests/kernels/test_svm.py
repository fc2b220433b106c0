"""The kernel SVM: against exact margins, certified, with scikit-learn or an exact stand-in."""

import importlib.util
import math
import sys
import types

import clarabel
import cvxpy as cp
import numpy as np
import pytest
import torch
from scipy import sparse

from lowrot import Dataset, ntk_margin, sparse_parity, standard, svm_margin
from lowrot.kernels import KernelPredictor, interpolant, kernel_svm, ntk, parity_kernel


class ExactSVC:
    """What `kernel_svm` reads of scikit-learn's SVC, by a quadratic program."""

    def __init__(self, kernel, C, tol, max_iter, cache_size):
        assert kernel == "precomputed"
        self.C = C

    def fit(self, K, y):
        n = len(y)
        Q = sparse.csc_matrix(np.triu(np.outer(y, y) * K + 1e-13 * np.eye(n)))
        A = sparse.csc_matrix(np.vstack([y[None], -np.eye(n), np.eye(n)]))
        b = np.concatenate([[0.0], np.zeros(n), np.full(n, self.C)])
        cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(2 * n)]
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        x = np.asarray(clarabel.DefaultSolver(Q, -np.ones(n), A, b, cones, settings).solve().x)
        self._move(x, K, y)
        self.support_ = np.flatnonzero(x > 1e-7 * x.max())
        self.dual_coef_ = (x * y)[None, self.support_]
        self.fit_status_ = 0
        return self

    def _move(self, x, K, y):
        """Between copies of points and their opposites weights are free: libsvm's are uneven."""
        half = len(y) // 2
        if len(y) % 2 or not np.array_equal(K[:half, half:], -K[:half, :half]):
            return
        one, other = np.flatnonzero(y[:half] > 0)[np.argsort(-x[:half][y[:half] > 0])[:2]]
        moved = min(x[half + one], x[other])
        x[[one, half + other]] += moved
        x[[half + one, other]] -= moved


HERE = importlib.util.find_spec("sklearn") is not None


@pytest.fixture(
    params=["exact", pytest.param("sklearn", marks=pytest.mark.skipif(not HERE, reason="absent"))]
)
def machine(request, monkeypatch):
    """scikit-learn where it is installed, and an exact solver in its place everywhere."""
    if request.param == "exact":
        monkeypatch.setitem(sys.modules, "sklearn", types.ModuleType("sklearn"))
        svm = types.ModuleType("sklearn.svm")
        svm.SVC = ExactSVC
        monkeypatch.setitem(sys.modules, "sklearn.svm", svm)
    return request.param


def linear(X, Z):
    return X @ Z.T


def teacher(n=30, d=3, seed=0, shift=0.0):
    X = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    X = X / X.norm(dim=1, keepdim=True)
    return Dataset(X, torch.where(X[:, 0] + shift > 0, 1.0, -1.0).double())


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e5])
def test_the_linear_kernel_has_the_linear_margin(machine, unit):
    data = teacher()
    best = kernel_svm(lambda X, Z: unit * linear(X, Z), data)
    assert best.margin == pytest.approx(unit**0.5 * svm_margin(data).value, rel=1e-5)
    assert best.margin <= best.upper
    assert best.gap < 1e-4
    assert best.radius == pytest.approx(unit**0.5)
    margins = data.y * best(data.X)
    assert float(margins.min()) == pytest.approx(1.0, rel=1e-9)
    assert best.ratio == pytest.approx((best.radius / best.margin) ** 2)


def test_a_bias_is_half_the_distance_of_the_hulls(machine):
    data = teacher(shift=-0.3)
    best = kernel_svm(linear, data, bias=True)
    assert best.predictor.bias != 0
    assert float((data.y * best(data.X)).min()) == pytest.approx(1.0, rel=1e-6)
    assert best.gap < 1e-4
    A, c = cp.Variable(data.n, nonneg=True), data.y.numpy()
    distance = cp.norm(data.X.numpy().T @ cp.multiply(c, A))
    limits = [cp.sum(A[c > 0]) == 1, cp.sum(A[c < 0]) == 1]
    hulls = cp.Problem(cp.Minimize(distance), limits).solve(solver="CLARABEL")
    assert best.margin == pytest.approx(hulls / 2, rel=1e-4)


def test_the_ntk_margin_of_a_wide_network(machine):
    data, net = sparse_parity(3), standard(400, 3, seed=0)
    best = kernel_svm(lambda X, Z: net_kernel(net, X, Z), data)
    expected = ntk_margin(net, data, layers="outer").value
    assert best.margin == pytest.approx(expected, rel=1e-4)


def net_kernel(net, X, Z):
    both = torch.cat([X, Z])
    return net.kernel(both, layers="outer", kink=None)[: len(X), len(X) :] / net.m


def test_margins_of_parity_on_the_whole_cube(machine):
    # Equal weights are optimal by symmetry. d = 2: angles 0, pi/2 (twice) and pi of four points.
    square = kernel_svm(lambda X, Z: ntk(X, Z, "outer"), sparse_parity(2))
    assert square.margin == pytest.approx(((0.5 - 1 / math.pi) / 4) ** 0.5, rel=1e-6)
    for d in (3, 4):
        data = sparse_parity(d)
        best = kernel_svm(lambda X, Z: ntk(X, Z, "outer"), data)
        length = float(data.y @ ntk(data.X, block="outer") @ data.y) ** 0.5
        assert best.margin == pytest.approx(length / data.n, rel=1e-5)
    # K_2 sees the target as one of N coordinates of a unit feature vector.
    best = kernel_svm(parity_kernel, sparse_parity(4))
    assert best.margin == pytest.approx(6**-0.5, rel=1e-5)


def test_samples_that_no_hyperplane_separates(machine):
    with pytest.raises(ValueError, match="does not separate the samples"):
        kernel_svm(linear, sparse_parity(3))
    with pytest.raises(ValueError, match="does not separate"):
        kernel_svm(linear, sparse_parity(3), bias=True)


def test_what_is_no_kernel_is_named(machine):
    data = teacher(5)
    with pytest.raises(TypeError, match="kernel is 'rbf'"):
        kernel_svm("rbf", data)
    with pytest.raises(ValueError, match=r"the value of kernel has shape \(5, 3\)"):
        kernel_svm(lambda X, Z: Z, data)
    with pytest.raises(ValueError, match=r"k\(x, x\) <= 0"):
        kernel_svm(lambda X, Z: 0 * linear(X, Z), data)
    one = Dataset(data.X, torch.ones(5)) if False else Dataset(data.X, data.y * 0 + 1)
    with pytest.raises(ValueError, match="the label 1 only"):
        kernel_svm(linear, one, bias=True)
    with pytest.raises(ValueError, match="positive semidefinite"):
        interpolant(lambda X, Z: -linear(X, Z), data)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    with pytest.raises(ModuleNotFoundError, match=r"lowrot\[kernels\]"):
        kernel_svm(linear, teacher())


def test_predictors_by_hand(monkeypatch):
    X = torch.eye(2, dtype=torch.float64)
    f = KernelPredictor(linear, X, torch.tensor([2.0, 0.0], dtype=torch.float64), 0.5)
    Z = torch.tensor([[1.0, 1.0], [-1.0, 3.0], [0.0, 0.0]], dtype=torch.float64)
    assert f(Z).tolist() == [2.5, -1.5, 0.5]
    monkeypatch.setattr("lowrot.kernels._predictors._CHUNK_ENTRIES", 1)
    assert f(Z).tolist() == [2.5, -1.5, 0.5]
    assert KernelPredictor(linear, X, X[0] * 0, 0.5)(Z).tolist() == [0.5] * 3
    with pytest.raises(TypeError, match="kernel is None"):
        KernelPredictor(None, X, X[0])
