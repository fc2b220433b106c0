"""Locking: where it leads is known exactly, for good and for bad; small starts get there."""

import math

import numpy as np
import pytest

from lowrot import (
    Dataset,
    Network,
    balanced,
    fragile_pairs,
    gradient_flow,
    locking,
    small,
    standard,
    symmetric_pairs,
)
from lowrot.path import Path
from lowrot.theorems._locking_groups import best_share, height_groups
from lowrot.theorems._small_starts import fragile_lock, symmetric_lock

LOSSES = ["exponential", "logistic"]
E1, E2, E3 = (np.eye(d)[0] for d in (1, 2, 3))
FRAGILE = fragile_pairs()
TIMES = np.linspace(0, 200.0, 201)


def flow(net, data, loss="exponential", times=TIMES):
    path = gradient_flow(net, data, loss=loss, stop={"tau": times[-1]}, save=times, rtol=1e-6)
    assert path.ok, path.status
    return path


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("data", "limit", "theta", "optimal"),
    [
        (FRAGILE, 0.015, 1.0, False),
        (fragile_pairs(tilt=math.atan2(0.6, 0.8)), 0.015, 1.0, False),
        (fragile_pairs(completed=True), 0.00825, 0.5, True),
        (symmetric_pairs(4, 2, 0.3), 0.0825, 0.5, True),
    ],
)
def test_small_starts_lock_and_end_exactly_there(data, limit, theta, optimal, loss):
    net = small(balanced(8, 2, seed=1, slope=0.1), 1e-3)
    theorem = locking(net, data, E2, loss=loss)
    assert (theorem.limit, theorem.theta) == pytest.approx((limit, theta))
    assert not theorem.holds
    path = flow(net, data, loss)
    first = theorem.fires(path)
    assert 0 < first < 100
    locked, rest = theorem.late(path, first)
    check, proof = locked.check(rest), locked.inequalities(rest)
    assert check.holds, check.slack
    assert proof.holds, proof.slack
    if optimal:
        assert theorem.limit == pytest.approx(0.25 * 1.1 * data.known["gamma_svm"])


def test_three_dimensions_lock_too():
    data, net = fragile_pairs(d=3), small(balanced(8, 3, seed=0, slope=0.1), 1e-3)
    theorem, path = locking(net, data, E3), flow(net, data)
    locked, rest = theorem.late(path, theorem.fires(path))
    assert locked.check(rest).holds
    assert locked.inequalities(rest).holds


def test_the_rate_by_hand():
    groups = height_groups(FRAGILE, E2)
    assert sorted(groups.height.tolist()) == [0.03, 1.0, 1.0]
    assert groups.across == 0.0
    assert best_share(groups, 0.1) == pytest.approx((1.0, 0.03))
    # b above alpha: the far point of label -1 limits theta, b (theta + alpha - alpha theta) =
    # 1 - theta + alpha theta.
    groups = height_groups(fragile_pairs(b=0.5, h=0.5), E2)
    theta, rate = best_share(groups, 0.1)
    assert theta == pytest.approx((1 - 0.05) / 1.35)
    assert rate == pytest.approx(1 - 0.9 * theta)
    assert best_share(height_groups(symmetric_pairs(), E2), 0.1) == pytest.approx((0.5, 0.165))
    # Each value is reached by some network along e, and no theta of a grid does better.
    for theta in np.linspace(0, 1, 1001):
        sides = np.where(groups.label > 0, theta + 0.1 - 0.1 * theta, 1 - 0.9 * theta)
        assert (groups.height * sides).min() <= rate + 1e-12


def test_constants_of_one_neuron_of_each_sign():
    data = fragile_pairs(completed=True)
    net = Network([0.5, -2.0], [[0.5, 0.0], [-2.0, 0.0]], 0.1)
    theorem = locking(net, data, E2)
    assert theorem.holds
    assert theorem.Q == 0
    assert theorem.c.tolist() == [0.5, 2.0]
    # theta = 1/2: G = 2 e^{ln 2} C_+ C_-.
    assert math.exp(theorem.ln_G) == pytest.approx(4 * 0.5 * 2.0)
    assert theorem.k == pytest.approx(0.2)
    one = locking(net, FRAGILE, E2)
    assert math.exp(one.ln_G) == pytest.approx(2 * 0.25)


def test_the_provable_scale_of_four_points():
    def at(theta, size):
        return [size * math.cos(theta), size * math.sin(theta)]

    size = 1e-16 / math.sqrt(8)
    V = [at(2.5, size), *(at(0.1 * k, size) for k in range(7))]
    net = Network([size * (1 + 1e-12)] * 8, V, 0.1)
    start = locking(net, FRAGILE, E2).small_start()
    assert (start.align, start.lock) == pytest.approx((33.13, 74.81), abs=0.02)
    assert start.mass == pytest.approx(8.9e-31, rel=0.02)
    assert start == fragile_lock(net, FRAGILE, 0.03, 0.15)
    assert start.holds
    # Condition (A): with h^2 (1 - alpha) above (1 + alpha) b (1 + b) nothing is promised.
    assert locking(net, fragile_pairs(0.03, 0.3), E2).small_start().mass == 0.0
    wide = small(balanced(4, 3, slope=0.1), 1e-9)
    assert locking(wide, fragile_pairs(d=3), E3).small_start() is None


@pytest.mark.parametrize("kind", ["symmetric", "fragile"])
def test_provably_small_starts_lock_in_time(kind):
    data = FRAGILE if kind == "fragile" else symmetric_pairs()
    net = small(balanced(4, 2, seed=1, slope=0.1), 1e-30 if kind == "fragile" else 1e-14)
    theorem = locking(net, data, E2)
    start = theorem.small_start()
    assert start.holds
    end = start.align + start.lock
    path = flow(net, data, times=np.array([0.0, start.align, end * (1 + 1e-9), 1.1 * end]))
    assert locking(path.network(2), data, E2).holds
    assert path["norm_squared"][2] < 0.1
    # Neurons that are opposite to e never turn: nothing is promised.
    stuck = Network([1e-9, -1e-9], [[-1e-9, 0.0], [1e-9, 0.0]], 0.1)
    assert symmetric_lock(stuck, data, E2, theorem.k).mass == 0.0
    assert fragile_lock(stuck, data, 0.03, 0.15).mass == 0.0


def tampered(path, states=None, **columns):
    return Path({**path.columns, **columns}, {**path.states, **(states or {})}, meta=path.meta)


def test_false_conclusions_are_seen():
    net = small(balanced(8, 2, seed=1, slope=0.1), 1e-3)
    theorem, path = locking(net, FRAGILE, E2), flow(net, FRAGILE)
    theorem, path = theorem.late(path, theorem.fires(path))
    late = path["tau"] > 50
    fast, slow = 1.2 * path["margin"], np.where(late, -1.0, path["margin"])
    assert theorem.check(tampered(path, margin=fast)).slack["margin <= limit"] < -1e-3
    assert theorem.check(tampered(path, margin=slow)).slack["bound <= margin"] < -1e-3
    proof = theorem.inequalities
    assert proof(tampered(path, margin=slow)).slack["growth of the norm"] < -1e-3
    frozen = {"V": np.repeat(path["V"][:1], len(path), 0)}
    assert proof(tampered(path, frozen)).slack["growth of the potential"] < -1e-3
    light = np.where(late, 0.1, 1.0) * path["norm_squared"]
    assert proof(tampered(path, norm_squared=light)).slack["potential below the norm"] < -1e-3
    aside = path["V"].copy()
    aside[-1, 0, 1] += np.sqrt(path["norm_squared"][-1])
    slack = proof(tampered(path, {"V": aside})).slack
    assert slack["Q never grows"] < -0.1
    assert slack["all stay good"] < -0.1
    assert slack["groups balance"] < -1e-5
    shrunk = path["V"].copy()
    shrunk[-1, 0] *= 0.1
    assert proof(tampered(path, {"V": shrunk})).slack["c_j grow"] < -0.1


@pytest.mark.parametrize(
    ("net", "data", "e", "failed"),
    [
        (Network([1.0], [[1.0, 0.0]], 0.1), FRAGILE, [-1.0, 0.0], "least height"),
        (
            Network([1.0], [[1.0, 0.0]], 0.1),
            Dataset([[0.5, 0.1], [0.5, 0.2]], [1, 1]),
            E2,
            "sum of a group",
        ),
        (Network([1.0], [[2.0, 0.0]], 0.1), FRAGILE, E2, "least $|a_j|"),
        (Network([1.0], [[-1.0, 0.0]], 0.1), FRAGILE, E2, "least $c_j"),
        (Network([2.0], [[1.0, 0.3]], 0.1), FRAGILE, E2, "$Q/"),
        (Network([-1.0], [[-1.0, 0.0]], 0.1), FRAGILE, E2, "signs of"),
    ],
)
def test_each_hypothesis_can_fail(net, data, e, failed):
    wrong = [h.statement for h in locking(net, data, e).hypotheses if not h.holds]
    assert len(wrong) >= 1
    assert any(statement.startswith(failed) for statement in wrong), wrong


def test_wrong_directions_are_named():
    net = standard(4, 2, slope=0.1)
    with pytest.raises(ValueError, match="direction has length 2; expected a unit vector"):
        locking(net, FRAGILE, [2.0, 0.0])
    with pytest.raises(ValueError, match="direction"):
        locking(net, FRAGILE, [1.0, 0.0, 0.0])
