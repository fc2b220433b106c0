"""Regression: a potential that never falls, and certificates that find the pairs that may flip."""

import itertools
import math

import numpy as np
import pytest
import torch

from lowrot import (
    Network,
    gaussian_regression,
    regression_certificate,
    regression_flow,
    regression_outer,
    standard,
)
from lowrot.path import Path
from lowrot.theorems._regression import State

ONE = torch.ones(1, 1, dtype=torch.float64)
RATES = [(1.0, 1.0), (1.0, 8.0), (2.0, 0.5)]


def flow(net, data, rates=(1.0, 1.0), rtol=1e-4, **stop):
    path = regression_flow(net, data.X, data.y, rates=rates, rtol=rtol, stop=stop or None)
    assert path.ok, path.status
    return path


def near(net, data, part=1e-3, seed=0):
    """Labels close to the outputs of a network: residuals of that part of the labels' norm."""
    rng = np.random.default_rng(seed)
    f = net(data.X)
    return f + part * torch.as_tensor(rng.standard_normal(len(f)))


# One neuron on one point: everything is known.


def test_linear_neuron_makes_the_certificate_sharp():
    net = Network([2.0], [[2.0]], 1.0)
    theorem = regression_certificate(net, ONE, [1.0])
    assert theorem.holds
    # K = a^2 + v^2 = 2 v^2, R = v^2 - y: psi = 2 v^2 - 2 R = 2 y, always.
    assert theorem.psi == pytest.approx(2.0, rel=1e-12)
    assert (theorem.R, theorem.sigma**2) == pytest.approx((3.0, 8.0), rel=1e-12)
    path = regression_flow(net, ONE, [1.0], rtol=1e-8)
    residual = np.sqrt(2 * path["loss"])
    np.testing.assert_allclose(residual, theorem.bound(path["t"]), rtol=1e-6)
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert check.holds, check.slack
    assert proof.holds, proof.slack
    np.testing.assert_allclose(proof.frame.potential, 2.0, rtol=1e-6)
    # All of the path that the theorem allows is used.
    assert check.frame.distance.iloc[-1] == pytest.approx(theorem.rho, rel=1e-4)
    assert not theorem.Z.any()


def test_a_neuron_that_dies_makes_the_potential_sharp():
    for e in (0.5, 0.1, 0.01):
        net = Network([1 + e], [[1.0]])
        theorem = regression_outer(net, ONE, [-e])
        assert theorem.psi == pytest.approx(-2 * e, rel=1e-9)
        assert not theorem.holds
        path = regression_flow(net, ONE, [-e], stop={"t": 5000.0})
        assert math.sqrt(2 * path["loss"][-1]) == pytest.approx(e, rel=1e-6)
        assert float((path["V"][-1]).max()) <= 1e-6
        assert theorem.inequalities(path).holds


def test_on_the_diagonal_the_potential_is_constant():
    net = Network([2.0], [[2.0]])
    theorem = regression_outer(net, ONE, [1.0])
    path = regression_flow(net, ONE, [1.0], rtol=1e-8)
    proof = theorem.inequalities(path)
    np.testing.assert_allclose(proof.frame.potential, 1.0, rtol=1e-6)
    assert proof.holds, proof.slack
    assert theorem.check(path).holds
    assert proof.slack["both layers"] == pytest.approx(0.0, abs=1e-7)


def test_psi_zero_gives_a_rate_of_one_over_t():
    net = Network([2.0], [[2.0]])
    theorem = regression_outer(net, ONE, [0.0])
    theorem.psi = 0.0
    assert theorem.bound(3.0) == pytest.approx(4.0 / (1 + 4.0 * 3.0))
    assert theorem.bound(math.inf) == 0.0
    assert theorem.rho == pytest.approx(2 * 4.0 / math.sqrt(4.0))
    assert theorem.area == math.inf


def test_bounds_solve_their_equation():
    net, data = standard(60, 5, seed=1), gaussian_regression(12, 5, seed=1)
    theorem = regression_certificate(net, data.X, near(net, data))
    assert theorem.holds
    t = np.linspace(0, 3 / theorem.psi, 20_001)
    R = theorem.bound(t)
    slope = np.gradient(R, t, edge_order=2)
    np.testing.assert_allclose(slope, -(theorem.psi + theorem.drift * R) * R, rtol=1e-4)
    assert R[0] == theorem.R
    area = np.trapezoid(R, t)
    assert area <= theorem.area
    assert area == pytest.approx(theorem.area, rel=0.06)
    lengths = np.trapezoid(-slope / np.sqrt(theorem.psi + theorem.drift * R), t)
    assert lengths == pytest.approx(theorem.rho, rel=0.06)


# Real runs.


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize(("n", "d", "m"), [(12, 5, 40), (20, 10, 25)])
def test_psi_never_falls_and_the_rest_follows(n, d, m, rates):
    for seed in range(2):
        net, data = standard(m, d, seed=seed), gaussian_regression(n, d, seed=seed)
        path = flow(net, data, rates)
        theorem = regression_outer(net, data.X, data.y, rates=rates)
        proof = theorem.inequalities(path)
        assert proof.holds, proof.slack
        first = theorem.fires(path)
        if first is not None:
            late, rest = theorem.late(path, first)
            for check in (late.check(rest), late.inequalities(rest)):
                assert check.holds, check.slack
            # Once it holds it holds: Psi never falls.
            assert all(theorem.at(path.network(k)).holds for k in range(first, len(path) - 1, 9))


@pytest.mark.parametrize("rates", [*RATES, (0.0, 1.0)])
def test_the_certificate_fires_and_what_it_says_comes_true(rates):
    fired = 0
    for seed in range(3):
        net, data = standard(16, 10, seed=seed), gaussian_regression(20, 10, seed=seed)
        path = flow(net, data, rates, t=1e4, relative_loss=1e-9)
        theorem = regression_certificate(net, data.X, data.y, rates=rates)
        first = theorem.fires(path)
        if first is None:
            continue
        fired += 1
        late, rest = theorem.late(path, first)
        assert first > 0
        for check in (late.check(rest), late.inequalities(rest)):
            assert check.holds, check.slack
    assert fired >= 2


def test_outer_layer_alone_is_least_squares():
    net, data = standard(8, 5, seed=0), gaussian_regression(20, 5, seed=0)
    path = regression_flow(net, data.X, data.y, rates=(1.0, 0.0), stop={"t": 1e6})
    A = State(net, data.X, data.y).features
    rest = data.y.numpy() - A @ np.linalg.lstsq(A, data.y.numpy(), rcond=None)[0]
    assert math.sqrt(2 * path["loss"][-1]) == pytest.approx(np.linalg.norm(rest), rel=1e-6)
    theorem = regression_certificate(net, data.X, data.y, rates=(1.0, 0.0))
    assert theorem.sigma == 0
    assert not theorem.holds
    wide = standard(40, 5, seed=0)
    whole = regression_certificate(wide, data.X, data.y, rates=(1.0, 0.0))
    assert whole.holds
    assert not whole.Z.any()
    assert whole.rho == pytest.approx(whole.R / whole.sigma)
    assert whole.area == pytest.approx(whole.R / whole.psi)
    outer = regression_outer(wide, data.X, data.y, rates=(1.0, 0.0))
    assert outer.holds
    assert outer.reach == math.inf
    assert whole.check(flow(wide, data, (1.0, 0.0))).holds


# The set Z.


def test_the_set_found_is_the_least_of_all_that_are_allowed():
    found, sizes = 0, set()
    for seed in range(80):
        net, data = standard(3, 3, seed=seed), gaussian_regression(2, 3, seed=seed)
        y = near(net, data, (0.02, 0.05, 0.1, 0.2)[seed % 4], seed)
        theorem = regression_certificate(net, data.X, y)
        z, shape = np.abs(theorem.state.z), theorem.Z.shape
        allowed = []
        for bits in itertools.product([False, True], repeat=z.size):
            Z = np.array(bits).reshape(shape)
            numbers = theorem._numbers(Z)
            if not numbers.psi > 0:
                continue
            theorem.psi, theorem.drift = numbers.psi, 2 * theorem.g * numbers.chi
            if (z > theorem._reach(Z))[~Z].all():
                allowed.append(Z)
        again = regression_certificate(net, data.X, y)
        assert again.holds == bool(allowed)
        if allowed:
            assert np.array_equal(again.Z, np.logical_and.reduce(allowed))
            found += 1
            sizes.add(int(again.Z.sum()))
    assert found >= 20
    assert len(sizes) >= 3


def test_kernel_of_a_set_is_that_of_its_projections():
    net, data = standard(4, 3, seed=0), gaussian_regression(5, 3, seed=0)
    rng = np.random.default_rng(0)
    Z = rng.random((5, 4)) < 0.3
    X, V, a = data.X.numpy(), net.V.numpy(), net.a.numpy()
    z = X @ V.T
    blocks = [math.sqrt(2.0) * np.maximum(z, 0)]
    for j in range(4):
        S = np.diag(np.where(Z[:, j], 0.0, z[:, j] > 0))
        normals = X[Z[:, j]]
        P = np.eye(3) - np.linalg.pinv(normals) @ normals if len(normals) else np.eye(3)
        blocks.append(math.sqrt(0.5) * a[j] * S @ X @ P)
    M = np.hstack(blocks)
    K = net.kernel(data.X, rates=(2.0, 0.5), held=torch.as_tensor(Z)).numpy()
    np.testing.assert_allclose(K, M @ M.T, atol=1e-12)
    least = State(net, data.X, data.y).least((2.0, 0.5), Z)
    assert least == pytest.approx(np.linalg.svd(M)[1].min() ** 2, rel=1e-9)
    everything = net.kernel(data.X, rates=(2.0, 0.5), held=torch.ones(5, 4).double())
    np.testing.assert_allclose(everything, 2.0 * np.maximum(z, 0) @ np.maximum(z, 0).T, atol=1e-12)


def test_numbers_of_a_set_by_their_definitions():
    net, data = standard(4, 3, seed=2, slope=0.3), gaussian_regression(5, 3, seed=2)
    theorem = regression_certificate(net, data.X, near(net, data), rates=(2.0, 0.5))
    Z = np.random.default_rng(1).random((5, 4)) < 0.3
    X, z = data.X.numpy(), theorem.state.z
    slopes = np.where(Z | (z > 0), 1.0, 0.3)
    chi = max(np.linalg.norm(np.diag(slopes[:, j]) @ X, 2) for j in range(4))
    numbers = theorem._numbers(Z)
    assert numbers.chi == pytest.approx(chi, rel=1e-12)
    assert numbers.psi == pytest.approx(numbers.sigma**2 - 2 * chi * theorem.R, rel=1e-12)
    theorem.psi, theorem.drift = 2.0, 0.7
    tau = theorem._reach(Z)
    for i, j in itertools.product(range(5), range(4)):
        omega = np.linalg.norm([slopes[k, j] * (X[k] @ X[i]) for k in range(5)])
        plain = math.sqrt(0.5) * np.linalg.norm(X[i]) * theorem.rho
        largest = abs(net.a[j].item()) + math.sqrt(2.0) * theorem.rho
        assert tau[i, j] == pytest.approx(min(plain, 0.5 * largest * omega * theorem.area))


def test_states_near_by_are_covered_by_the_robust_form():
    net, data = standard(30, 4, seed=3), gaussian_regression(6, 4, seed=3)
    rates, rng = (1.0, 3.0), np.random.default_rng(0)
    y = near(net, data, 1e-3)
    theorem = regression_certificate(net, data.X, y, rates=rates)
    delta = theorem.radius()
    assert delta > 0
    robust = regression_certificate(net, data.X, y, rates=rates, delta=delta)
    assert robust.holds
    assert (robust.Z >= theorem.Z).all()
    assert (robust.psi, -robust.rho) < (theorem.psi, -theorem.rho)
    for _ in range(40):
        a, V = rng.standard_normal(30), rng.standard_normal((30, 4))
        size = math.sqrt((a**2).sum() / rates[0] + (V**2).sum() / rates[1])
        away = delta * rng.random() ** 0.1 / size
        other = Network(net.a.numpy() + away * a, net.V.numpy() + away * V)
        there = regression_certificate(other, data.X, y, rates=rates)
        numbers = there._numbers(robust.Z)
        assert numbers.sigma >= robust.sigma
        assert numbers.R <= robust.R
        assert numbers.psi >= robust.psi
        assert there.holds
        assert (robust.Z >= there.Z).all()
        flipped = (there.state.z > 0) != (theorem.state.z > 0)
        assert not (flipped & ~robust.Z).any()
    assert not regression_certificate(net, data.X, y, rates=rates, delta=1e3).holds


def test_all_labels_within_reach():
    net, data = standard(400, 10, seed=0), gaussian_regression(8, 10, seed=0)
    silent = Network(np.zeros(400), net.V)
    theorem = regression_outer(silent, data.X, data.y)
    assert theorem.reach == pytest.approx(theorem.sigma**2 / theorem.chi)
    y = torch.randn(8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for part, holds in ((0.999, True), (1.001, False)):
        there = regression_outer(silent, data.X, y * (part * theorem.reach / y.norm()))
        assert there.holds == holds
    loud = regression_outer(net, data.X, data.y)
    f = net(data.X)
    worst = regression_outer(net, data.X, -f * (1.001 * max(loud.reach, 1e-9) / f.norm()))
    assert worst.holds == (loud.reach <= 0 and worst.psi >= 0)


def test_large_outer_weights_certify_from_the_start():
    half, data = standard(40, 5, seed=0), gaussian_regression(10, 5, seed=0)
    net = Network(torch.cat([half.a, -half.a]), torch.cat([half.V, half.V]))
    assert float(net(data.X).norm()) < 1e-12
    Y, rates = float(data.y.norm()), (0.0, 1.0)
    first = regression_certificate(net, data.X, data.y, rates=rates)
    sigma_V = first._numbers(np.zeros_like(first.Z)).sigma
    assert sigma_V > 0
    zeta = float((np.abs(first.state.z) / data.X.norm(dim=1).numpy()[:, None]).min())
    c = 1.0001 * 4 * Y / (3 * zeta * sigma_V)
    for rates in ((0.0, 1.0), (1.0, 1.0)):
        g = math.sqrt(rates[0])
        chi = float(np.linalg.norm(data.X.numpy(), 2))
        scale = max(c, 1.0001 * math.sqrt(8 * g * chi * Y / 3) / sigma_V)
        theorem = regression_certificate(
            Network(scale * net.a.numpy(), net.V), data.X, data.y, rates=rates
        )
        assert theorem.holds
        assert not theorem.Z.any()
        assert theorem.psi >= theorem.sigma**2 / 4
        assert theorem.rho <= 4 * Y / (3 * scale * sigma_V)


# Widths of the table in the chapter, medians of few draws of another prototype.


@pytest.mark.parametrize(("power", "expected"), [(0.0, 229), (0.5, 87)])
def test_widths_at_which_every_label_is_fitted(power, expected):
    widths = []
    for seed in range(7):
        X = gaussian_regression(50, 20, seed=seed).X
        low, high = 50, 400
        while high - low > 2:
            m = (low + high) // 2
            silent = Network(np.zeros(m), standard(m, 20, seed=seed).V)
            rates = (1.0, float(m) ** -(2 * power))
            good = regression_outer(silent, X, np.zeros(50), rates=rates).reach >= math.sqrt(50)
            low, high = (low, m) if good else (m, high)
        widths.append(high)
    error = 1.2533 * np.std(widths, ddof=1) / math.sqrt(3) + 0.06 * expected
    assert abs(np.median(widths) - expected) <= 3 * error


# What fails, and what is refused.


def test_hypotheses_fail_by_name():
    data = gaussian_regression(20, 10, seed=0)
    narrow = regression_outer(standard(8, 10, seed=0), data.X, data.y)
    assert [h.holds for h in narrow.hypotheses] == [False, False, False]
    no_outer = regression_outer(standard(40, 10, seed=0), data.X, data.y, rates=(0.0, 1.0))
    assert [h.holds for h in no_outer.hypotheses] == [True, False, True]
    assert no_outer.reach == 0.0
    start = regression_certificate(standard(8, 10, seed=0), data.X, data.y)
    assert [h.holds for h in start.hypotheses][1:] == [False, False]
    assert start.rho == math.inf
    assert start.radius() == 0.0
    np.testing.assert_array_equal(start.bound([0.0, 9.0]), start.R)


def test_paths_of_others_are_refused():
    net, data = standard(12, 5, seed=0), gaussian_regression(6, 5, seed=0)
    other = gaussian_regression(6, 5, seed=1)
    theorem = regression_certificate(net, data.X, data.y)
    path = flow(net, data, t=0.1)
    for wrong in (flow(net, other, t=0.1), flow(net, data, (1.0, 2.0), t=0.1)):
        with pytest.raises(ValueError, match=r"path has (data|rates)"):
            theorem.check(wrong)
    with pytest.raises(ValueError, match="path starts"):
        theorem.check(flow(standard(12, 5, seed=1), data, t=0.1))
    with pytest.raises(TypeError, match="path is a dict"):
        theorem.fires({})
    bare = Path(dict(path.columns), meta=path.meta)
    with pytest.raises(ValueError, match="no column or state a, V"):
        theorem.inequalities(bare)


def test_a_wrong_path_is_seen():
    net, data = standard(60, 5, seed=1), gaussian_regression(12, 5, seed=1)
    y = near(net, data)
    path = regression_flow(net, data.X, y, rtol=1e-6)
    theorem = regression_certificate(net, data.X, y)
    assert theorem.check(path).holds
    V = path["V"].copy()
    V[-1] = -V[-1]
    flipped = Path(path.columns, {**path.states, "V": V}, meta=path.meta)
    check = theorem.check(flipped)
    assert check.slack["no pair off Z flips"] < 0
    assert check.slack["distance <= rho"] < 0
    loss = path["loss"].copy()
    loss[len(loss) // 2] = 2 * loss[0]
    slow = Path({**path.columns, "loss": loss}, path.states, meta=path.meta)
    assert not theorem.check(slow).holds
    assert not theorem.inequalities(flipped).holds


@pytest.mark.parametrize("make", [regression_outer, regression_certificate])
def test_bad_arguments_are_named(make):
    net, data = standard(4, 3, seed=0), gaussian_regression(5, 3, seed=0)
    with pytest.raises(TypeError, match="net is a str"):
        make("net", data.X, data.y)
    with pytest.raises(ValueError, match="X has d = 2"):
        make(net, data.X[:, :2], data.y)
    with pytest.raises(ValueError, match="y has shape"):
        make(net, data.X, data.y[:3])
    with pytest.raises(ValueError, match=r"X\[0\] is zero"):
        make(net, torch.zeros_like(data.X), data.y)
    with pytest.raises(ValueError, match="rates"):
        make(net, data.X, data.y, rates=(0.0, 0.0))
    theorem = make(net, data.X, data.y)
    with pytest.raises(ValueError, match="t has the entry -1"):
        theorem.bound(-1.0)
    with pytest.raises(ValueError, match="delta"):
        regression_certificate(net, data.X, data.y, delta=-1.0)


def least_scale(m, seed):
    """The factor of the outer weights at which the certificate starts to hold at the start."""
    half, data = standard(m // 2, 10, seed=seed), gaussian_regression(20, 10, seed=seed)
    a, V = torch.cat([half.a, -half.a]), torch.cat([half.V, half.V])
    low, high = 1.0, 1e3
    while high > 1.1 * low:
        c = math.sqrt(low * high)
        net = Network(c * a, V)
        good = regression_certificate(net, data.X, data.y, rates=(0.0, 1.0)).holds
        low, high = (low, c) if good else (c, high)
    return high


def test_least_scale_as_another_prototype_found_it():
    # One draw there; here as many as show how draws differ.
    logs = np.log([least_scale(400, seed) for seed in range(4)])
    assert abs(logs.mean() - math.log(18)) <= 4 * logs.std(ddof=1)
