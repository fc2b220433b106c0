"""Symmetric data: each theorem along real flows of both losses, and what must be noticed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lowrot import (
    Dataset,
    Network,
    balanced,
    gradient_flow,
    paired,
    small,
    standard,
    symmetric,
    symmetric_pairs,
)
from lowrot.path import Path
from lowrot.theorems._lorentz import least_boosted
from lowrot.theorems._restart import from_saved
from lowrot.theorems._small_starts import acute_start
from lowrot.theorems._symmetric_data import States, mirrors

LOSSES = ["exponential", "logistic"]
TIMES = np.concatenate([[0.0], np.geomspace(0.1, 80.0, 60)])
THIRD = symmetric_pairs()
SPACE = symmetric_pairs(4, 3)
ACUTE = symmetric_pairs(4, 3, 0.8)


def flow(net, data, loss="exponential", tau=80.0, times=TIMES, rtol=1e-6):
    path = gradient_flow(net, data, loss=loss, stop={"tau": tau}, save=times, rtol=rtol)
    assert path.ok, path.status
    return path


def holds(theorem, path):
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert theorem.holds, theorem.hypothesis_frame()
    assert check.holds, check.slack
    assert proof.holds, proof.slack


def tampered(path, states=None, **columns):
    return Path({**path.columns, **columns}, {**path.states, **(states or {})}, meta=path.meta)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_universal_bound_from_any_dominated_start(loss, scale):
    net = small(balanced(8, 3, seed=1, slope=0.1), scale)
    path = flow(net, SPACE, loss)
    theorem = symmetric(net, SPACE, loss=loss)
    assert theorem.limit == pytest.approx(0.015)
    assert theorem.ceiling == pytest.approx(0.0825)
    holds(theorem, path)
    odd = theorem.odd_bound(path)
    assert (odd <= path["margin"] + 1e-9).all()
    assert (odd[1:] >= theorem.bound(path["tau"], theorem.J(path)[1])[1:] - 1e-12).all()


def test_the_oddness_bound_by_hand():
    net = balanced(6, 2, seed=1, slope=0.1)
    times = np.array([0.0, 1.0, 3.0])
    theorem, path = symmetric(net, THIRD), flow(net, THIRD, tau=3.0, times=times)
    X = THIRD.X.numpy()
    defects = [np.abs(np.abs(X @ V.T) @ a).max() for a, V in zip(path["a"], path["V"])]
    # Between both slopes: alpha + (1 - alpha)/(1 + e^{(1 - alpha) defect}).
    k = 0.1 + 0.9 / (1 + np.exp(0.9 * np.array(defects)))
    own = 2 * np.clip(net.a.sign().numpy() * net.V[:, 0].numpy(), 0, None) ** 2
    spent = (math.log(2.0 / own.sum()) + theorem.J(path)[1]) / 4
    total = np.array([0.0, min(k[0], k[1]), min(k[0], k[1]) + 2 * min(k[1], k[2])])
    expected = (0.15 * total - spent)[1:] / times[1:]
    np.testing.assert_allclose(theorem.odd_bound(path)[1:], expected, rtol=1e-6)
    assert theorem.odd_bound(path)[0] == -math.inf


def test_universal_bound_needs_no_symmetry():
    data = Dataset([[0.6, 0.8], [0.6, -0.3], [-0.5, 0.1]], [1, 1, -1])
    net = balanced(8, 2, seed=0, slope=0.2)
    theorem = symmetric(net, data)
    assert (theorem.mirror, theorem.ceiling) == (None, 0.5)
    path = flow(net, data)
    holds(theorem, path)
    with pytest.raises(ValueError, match="data that are not symmetric"):
        theorem.odd_bound(path)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("start", [standard, balanced])
def test_paired_starts_attain_the_optimum(loss, start):
    net = paired(start(4, 3, seed=2, slope=0.1))
    path = flow(net, SPACE, loss)
    theorem = symmetric(net, SPACE, part="paired", loss=loss)
    assert theorem.limit == theorem.ceiling == pytest.approx(0.0825)
    holds(theorem, path)
    assert path["sliding"].max() == 0
    assert path["margin"][-1] == pytest.approx(theorem.limit, rel=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_acute_data_attain_the_optimum(loss):
    net = balanced(24, 3, seed=0, slope=0.1)
    path = flow(net, ACUTE, loss, tau=30.0, times=TIMES * 30 / 80)
    theorem = symmetric(net, ACUTE, part="acute", loss=loss)
    holds(theorem, path)
    assert path["margin"][-1] == pytest.approx(0.22, rel=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_generic_starts_lock_in(loss):
    net = small(balanced(6, 3, seed=0, slope=0.1), 0.1)
    path = flow(net, SPACE, loss)
    theorem = symmetric(net, SPACE, part="locked", loss=loss)
    assert not theorem.holds
    first = theorem.fires(path)
    assert 0 < first < len(path) - 1
    assert not theorem.late(path, first - 1)[0].holds
    locked, rest = theorem.late(path, first)
    holds(locked, rest)
    numbers = locked.lock_in
    assert numbers["distance"] < numbers["gamma"] == pytest.approx(0.3)
    # The certificate is sharper than the simple one that it gives as an example.
    delta, D = 0.3**2 * 0.9 / 20, 0.15
    rho = 0.5 - delta * 0.55 / 0.9
    assert math.sqrt(2 * delta / rho) + D < 0.3


def test_the_numbers_of_the_certificate_by_hand():
    t = 0.001
    u, v = np.array([math.cos(t), math.sin(t)]), np.array([math.cos(t), -math.sin(t)])
    net = Network([60.0, 60.0, -60.0], [60 * u, 60 * v, -60 * u], 0.1)
    found = symmetric(net, THIRD, part="locked").lock_in
    z = THIRD.X.numpy()[:2]
    # Neurons good everywhere have slopes 1 and 1/10: p = 3600 (u + v + u/10).z, and at mirrors
    # 3600 ((u + v)/10 + u).z.
    p = 3600 * np.concatenate([z @ (1.1 * u + v), z @ (1.1 * u + 0.1 * v)])
    delta = 1 + np.log(np.exp(-p + p.min()).sum()) / (0.165 * 3 * 3600) - p.min() / (0.165 * 10800)
    rho = 0.5 - delta * 0.55 / 0.9
    assert found["delta"] == pytest.approx(delta, rel=1e-6)
    assert found["rho"] == pytest.approx(rho, rel=1e-6)
    assert found["D"] == pytest.approx(2 * math.sin(t), rel=1e-9)
    assert found["distance"] == pytest.approx(math.sqrt(2 * delta / rho) + 2 * math.sin(t))


def test_one_sign_ends_at_the_slope():
    both = balanced(6, 2, seed=0, slope=0.1)
    net = replace(both, a=both.a.abs())
    theorem, path = symmetric(net, THIRD), flow(net, THIRD, tau=300.0, times=3.75 * TIMES)
    assert theorem.ceiling == theorem.limit == pytest.approx(0.015)
    holds(theorem, path)
    assert path["margin"][-1] == pytest.approx(0.015, rel=3e-2)


@pytest.mark.parametrize(
    ("degrees", "turn", "length"), [(100, 1.316, 1.052), (150, 15.354, 5.249), (175, 28.924, 6.038)]
)
def test_a_balanced_pair_turns_or_dies(degrees, turn, length):
    angle = math.radians(degrees)
    net = paired(Network([1.0], [[math.cos(angle), math.sin(angle)]], 0.1))
    times = np.linspace(0, 1.05 * turn, 400)
    z = [[0.3, 0.95], [0.3, -0.95]]
    data = Dataset([*z, *(-np.array(z)).tolist()], [1, 1, -1, -1])
    path = flow(net, data, tau=times[-1], times=times, rtol=1e-8)
    c, size = path["V"][:, 0, 0], np.linalg.norm(path["V"][:, 0], axis=1)
    at = np.flatnonzero(c > 0)[0]
    found = times[at - 1] - c[at - 1] * (times[at] - times[at - 1]) / (c[at] - c[at - 1])
    assert found == pytest.approx(turn, abs=2e-3)
    # h.w = (1 + alpha)/2 gamma for ever: the two bounds of the theorem meet.
    before = np.trapezoid(size[:at], times[:at]) + size[at] * (found - times[at - 1])
    assert before == pytest.approx(length, abs=5e-3)
    assert length == pytest.approx(-math.cos(angle) / 0.165, abs=1e-3)


def test_rigidity_is_an_equality_at_the_optimum_only():
    best = Network([1.0, -2.0], [[1.0, 0.0], [-2.0, 0.0]], 0.1)
    assert float(best.margins(THIRD).min()) / best.norm_squared < 0.0825
    even = Network([1.0, -1.0], [[1.0, 0.0], [-1.0, 0.0]], 0.1)
    assert float(even.margins(THIRD).min()) / even.norm_squared == pytest.approx(0.0825)
    theorem, path = symmetric(even, THIRD), flow(even, THIRD, tau=20.0, times=TIMES / 4)
    frame = theorem.check(path).frame
    np.testing.assert_allclose(frame.apart, 0.0, atol=1e-12)
    assert frame.apart_bound.iloc[-1] < 1e-2


def test_the_constant_of_paired_starts():
    # One pair (a, v): sum_j (a_j + v_j.k)^2 = 2 (a + v.k)^2, least at k = -v/|v|, or 0 inside.
    longer = paired(Network([2.0], [[0.5, 0.0]]))
    assert least_boosted(longer) == pytest.approx(1.5**2)
    assert least_boosted(paired(Network([0.5], [[2.0, 0.0]]))) == 0.0
    # On one ray of balanced neurons one direction dies; on two rays none.
    assert least_boosted(paired(Network([1.0, 2.0], [[1.0, 0.0], [2.0, 0.0]]))) == 0.0
    net = paired(balanced(4, 3, seed=0))
    k = torch.randn(3, 4000, generator=torch.Generator().manual_seed(0)).double()
    values = (net.a[:, None] + net.V @ (k / k.norm(dim=0))).square().sum(dim=0) / 2
    assert least_boosted(net) <= float(values.min())
    assert least_boosted(net) == pytest.approx(float(values.min()), rel=0.02)


def test_small_acute_starts_by_hand():
    # Two points at pi/2 - 1/2 from their mean, of length .4 with slope 1.
    r = 0.4 / math.sin(0.5)
    z = [[0.4, r * math.cos(0.5)], [0.4, -r * math.cos(0.5)]]
    data = Dataset([*z, *(-np.array(z)).tolist()], [1, 1, -1, -1])
    for degrees, mass in ((90, 6.8e-4), (150, 2.7e-5)):
        t = math.radians(degrees)
        v = np.array([[math.cos(t), math.sin(t)], [-math.cos(t), -math.sin(t)]])
        start = acute_start(Network([1e-3, -1e-3], 1e-3 * v, 1.0), data)
        assert start.mass == pytest.approx(mass, rel=0.02)
        assert start.holds
        assert start.align == pytest.approx(
            10 / 3.6 * math.log(math.tan(t / 2) / math.tan(0.25)), rel=1e-9
        )
    assert not acute_start(Network([1.0, 1.0], v, 1.0), data).holds


@pytest.mark.parametrize("seed", range(2))
def test_small_acute_starts_get_good_neurons_in_time(seed):
    net = small(balanced(4, 3, seed=seed, slope=0.1), 1e-3)
    theorem = symmetric(net, ACUTE, part="acute")
    promise = theorem.small_start()
    assert promise.holds
    path = flow(net, ACUTE, tau=promise.align + 2, times=[0.0, promise.align + 0.01])
    assert symmetric(path.network(1), ACUTE, part="acute").holds


def test_false_conclusions_are_seen():
    net = balanced(8, 3, seed=1, slope=0.1)
    path = flow(net, SPACE)
    theorem = symmetric(net, SPACE)
    assert theorem.holds
    late, square = path["tau"] > 1, path["norm_squared"]
    fast, slow = 1.2 * path["margin"], np.where(late, -1.0, path["margin"])
    assert theorem.check(tampered(path, margin=fast)).slack["margin <= ceiling"] < -1e-3
    assert theorem.check(tampered(path, margin=slow)).slack["bound <= margin"] < -1e-3
    high = np.where(late, 1.1 * path["P"], path["P"])
    assert theorem.check(tampered(path, P=high)).slack["rigidity"] < -1e-3
    proof = theorem.inequalities
    still = np.where(late, square[0], square)
    assert proof(tampered(path, norm_squared=still)).slack["growth below the norm"] < -1e-3
    assert proof(tampered(path, margin=slow)).slack["growth of the norm"] < -1e-3
    weak = proof(tampered(path, {"q": 0.5 * path["q"]})).slack
    assert weak["pull by oddness"] < -1e-3
    frozen = {"V": np.repeat(path["V"][:1], len(path), 0)}
    assert proof(tampered(path, frozen)).slack["growth of what is aligned"] < -1e-3


def test_false_lines_of_good_starts_are_seen():
    net = balanced(24, 3, seed=0, slope=0.1)
    acute = symmetric(net, ACUTE, part="acute")
    path = flow(net, ACUTE, tau=20.0, times=TIMES / 4)
    back = path["V"].copy()
    back[30] *= -1
    assert acute.inequalities(tampered(path, {"V": back})).slack["good stay good"] < -0.5
    frozen = {"V": np.repeat(path["V"][:1], len(path), 0)}
    assert acute.inequalities(tampered(path, frozen)).slack["growth of both signs"] < -1e-2
    locked = symmetric(net, ACUTE, part="locked")
    locked, rest = locked.late(path, locked.fires(path))
    assert locked.inequalities(rest).holds
    turned = rest["V"].copy()
    turned[-1, 0] += 0.5 * np.linalg.norm(turned[-1, 0]) * np.array([0, 1, 0])
    slack = locked.inequalities(tampered(rest, {"V": turned})).slack
    assert slack["spread falls"] < -1e-3
    far = rest["V"] + rest["a"][:, :, None] * np.array([0, 1, 0])
    far[0] = rest["V"][0]
    assert locked.inequalities(tampered(rest, {"V": far})).slack["near w"] < -1e-3
    one = {"a": np.abs(rest["a"])}
    with pytest.raises(ValueError, match="away from a"):
        locked.inequalities(tampered(rest, one))
    lone = np.abs(rest["a"])
    lone[0] = rest["a"][0]
    slack = locked.inequalities(tampered(rest, {"a": lone})).slack
    assert slack["share of each sign"] < -1e-2


def test_false_lines_of_paired_starts_are_seen():
    net = paired(standard(3, 3, seed=2, slope=0.1))
    theorem, path = (
        symmetric(net, SPACE, part="paired"),
        flow(net, SPACE, tau=20.0, times=TIMES / 4),
    )
    V = path["V"].copy()
    V[40, 0] += 0.1
    slack = theorem.inequalities(tampered(path, {"V": V})).slack
    assert slack["paired"] < -1e-3
    assert slack["odd"] < -1e-3
    assert (
        theorem.inequalities(tampered(path, {"q": 0.9 * path["q"]})).slack["pull along w"] < -1e-3
    )


@pytest.mark.parametrize(
    ("net", "part", "failed"),
    [
        (standard(6, 3, seed=0, slope=0.1), "any", "least $|a_j|"),
        (balanced(6, 3, seed=0), "any", "slope"),
        (balanced(6, 3, seed=0, slope=0.1), "paired", "distance from paired"),
        (paired(Network([1.0], [[0.0, 3.0, 0.0]], 0.1)), "paired", "constant"),
        (balanced(6, 3, seed=0, slope=0.1), "acute", "least product"),
        (balanced(6, 3, seed=0, slope=0.1), "locked", "neurons that are not good"),
        (Network([1.0, -1.0], [[1.0, 0, 0], [-1.0, 0, 0]], 1.0), "locked", "slope"),
        (Network([2.0, -1.0], [[1.0, 0, 0], [-1.0, 0, 0]], 0.1), "locked", "imbalance"),
    ],
)
def test_each_hypothesis_can_fail(net, part, failed):
    theorem = symmetric(net, SPACE, part=part)
    wrong = [h.statement for h in theorem.hypotheses if not h.holds]
    assert any(statement.startswith(failed) for statement in wrong), wrong
    if part == "paired":
        assert theorem.bound(10.0) == -math.inf


def test_mirrors_are_found_and_missed():
    data = symmetric_pairs(5, 4, 0.3, zero_mean=False, seed=2)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(1))
    mixed = Dataset(data.X[order], data.y[order])
    found = mirrors(mixed)
    torch.testing.assert_close(mixed.X, -mixed.X[found], rtol=0, atol=0)
    assert (mixed.y == -mixed.y[found]).all()
    moved = mixed.X.clone()
    moved[0] *= 1 - 1e-9
    assert mirrors(Dataset(moved, mixed.y)) is None
    assert mirrors(Dataset(mixed.X[:9], mixed.y[:9])) is None
    # Counted with multiplicity.
    X = [[0.5, 0.0], [0.5, 0.0], [-0.5, 0.0]]
    assert mirrors(Dataset(X, [1, 1, -1])) is None
    assert mirrors(Dataset([*X, [-0.5, 0.0]], [1, 1, -1, -1])) is not None


def test_slopes_at_mirrors_add_up_also_at_kinks():
    net = Network([1.0, 1.0], [[0.0, 1.0], [1.0, 0.0]], 0.1)
    data = Dataset([[1.0, 0.0], [-1.0, 0.0]], [1, -1])
    np.testing.assert_allclose(States.of(net, data).active.sum(axis=2), 1.1)


def test_a_late_path_starts_at_zero_and_is_refused_elsewhere():
    net = balanced(6, 2, seed=0, slope=0.1)
    path = flow(net, THIRD, tau=2.0, times=[0.0, 1.0, 2.0])
    start, rest = from_saved(path, 1)
    assert rest["tau"].tolist() == pytest.approx([0.0, 1.0])
    np.testing.assert_array_equal(start.a.numpy(), path["a"][1])
    with pytest.raises(ValueError, match="index is 2; expected at most 1"):
        from_saved(path, 2)
    theorem = symmetric(net, THIRD)
    with pytest.raises(ValueError, match="away from a of this theorem"):
        theorem.check(rest)
    with pytest.raises(ValueError, match="part"):
        symmetric(net, THIRD, part="best")
    with pytest.raises(ValueError, match="only zero weights"):
        symmetric(Network([0.0], [[0.0, 0.0]]), THIRD)
    with pytest.raises(ValueError, match="has d = "):
        symmetric(standard(4, 3), THIRD)
