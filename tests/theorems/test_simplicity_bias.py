"""Simplicity bias: the early phase of small starts, both losses, and what must be noticed."""

import math

import numpy as np
import pytest

from lowrot import (
    Dataset,
    Network,
    balanced,
    gradient_flow,
    simplicity_bias,
    small,
    sparse_parity,
    standard,
    symmetric_pairs,
)
from lowrot.path import Path

DATA = symmetric_pairs(3, 3, 0.3, zero_mean=False, seed=4)
LOSSES = ["exponential", "logistic"]


def early(theorem, count=40):
    times = np.linspace(0, theorem.T, count)
    times[-1] = theorem.T * (1 - 1e-12)
    return gradient_flow(
        theorem.net, theorem.data, loss=theorem.loss, stop={"tau": theorem.T}, save=times, rtol=1e-7
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scale", [1e-2, 1e-4])
def test_conclusions_and_proof_hold_along_small_starts(loss, scale):
    theorem = simplicity_bias(small(balanced(8, 3, seed=0, slope=0.1), scale), DATA, loss=loss)
    assert theorem.holds, theorem.hypothesis_frame()
    path = early(theorem)
    check, proof = theorem.check(path), theorem.inequalities(path)
    assert len(check.frame) == 40
    assert check.holds, check.slack
    assert proof.holds, proof.slack
    assert check.frame.t.iloc[-1] <= theorem.end
    share = 2 if loss == "exponential" else 4
    np.testing.assert_allclose(proof.frame.uneven_bound, 2 * np.tanh(proof.frame.mass / share))
    # Neither side is idle: the bound is within a factor of five of what happens.
    assert check.frame.t.iloc[-1] > theorem.end / 5


def test_constants_by_hand():
    # One neuron at a right angle to the mean, of length .3 with slope 1: omega = .3.
    data = Dataset([[0.3, 0.4], [0.3, -0.4], [-0.3, -0.4], [-0.3, 0.4]], [1, 1, -1, -1])
    net = Network([0.01, -0.01], [[0.0, 0.01], [0.0, 0.01]], 1.0)
    theorem = simplicity_bias(net, data, until=0.02)
    assert (theorem.nu, theorem.mass, theorem.t_0) == pytest.approx((0.3, 2e-4, 1.0))
    T = math.log(0.02 * 0.3002 / (2e-4 * 0.32)) / 0.6
    assert pytest.approx(T) == theorem.T
    assert theorem.mass_bound(theorem.T) == pytest.approx(0.02)
    end = math.exp(0.25) * (math.exp(-0.3 * T) + 0.02 / 1.8)
    assert theorem.end == pytest.approx(end)
    assert theorem.end <= 1.29 * (math.sqrt(2 * 2e-4 / 0.02) + 0.02 / 1.8)
    assert theorem.bound(2 * theorem.T) == math.inf
    assert theorem.mass_bound(100.0) == math.inf
    assert theorem.mass_ratio == pytest.approx(1.0)
    usual = simplicity_bias(net, data)
    assert usual.until == pytest.approx(2e-4 ** (1 / 3))


def test_the_ratio_of_both_signs_is_known_in_advance():
    ratios = []
    for seed in range(4):
        theorem = simplicity_bias(small(balanced(8, 3, seed=seed, slope=0.1), 1e-5), DATA)
        a = early(theorem)["a"][-1]
        ratios.append((a[a > 0] ** 2).sum() / (a[a < 0] ** 2).sum())
        assert ratios[-1] == pytest.approx(theorem.mass_ratio, rel=0.02)
    # It is random: no small start is a linear function early on.
    assert max(abs(math.log(ratio)) for ratio in ratios) > 0.1


@pytest.mark.parametrize(
    ("net", "data", "until", "failed"),
    [
        (small(standard(4, 3, slope=0.1), 1e-3), DATA, None, "imbalance"),
        (balanced(4, 3, slope=0.1), DATA, None, "mass $M_0$"),
        (small(balanced(4, 3, slope=0.1), 1e-3), DATA, 0.5, "mass $\\epsilon$"),
        (small(balanced(4, 2, slope=0.1), 1e-3), sparse_parity(2), None, "points without"),
        (
            small(balanced(4, 3, slope=0.1), 1e-3),
            Dataset(DATA.X[:3], DATA.y[:3]),
            None,
            "points without",
        ),
    ],
)
def test_each_hypothesis_can_fail(net, data, until, failed):
    theorem = simplicity_bias(net, data, until=until)
    wrong = [h.statement for h in theorem.hypotheses if not h.holds]
    assert any(statement.startswith(failed) for statement in wrong), wrong


def test_a_neuron_opposite_to_the_mean_fails_and_xor_has_no_mean():
    theorem = simplicity_bias(Network([1e-3], [[-1e-3, 0.0]], 0.1), symmetric_pairs())
    wrong = [h.statement for h in theorem.hypotheses if not h.holds]
    assert wrong[0] == "neurons opposite to the mean"
    xor = simplicity_bias(small(balanced(4, 2, slope=0.1), 1e-3), sparse_parity(2))
    assert xor.nu == pytest.approx(0.0, abs=1e-15)


def tampered(path, states=None, **columns):
    return Path({**path.columns, **columns}, {**path.states, **(states or {})}, meta=path.meta)


def test_false_conclusions_are_seen():
    theorem = simplicity_bias(small(balanced(8, 3, seed=0, slope=0.1), 1e-3), DATA)
    path = early(theorem)
    late = path["tau"] > theorem.T / 4
    stays = path["V"].copy()
    size = np.linalg.norm(stays, axis=2) / np.linalg.norm(stays[0], axis=1)
    stays[late] = (size[:, :, None] * stays[0])[late]
    assert theorem.check(tampered(path, {"V": stays})).slack["angles"] < -0.1
    assert theorem.check(tampered(path, {"V": stays})).slack["sizes"] < -0.01
    heavy = np.where(late, 30.0, 1.0) * path["norm_squared"]
    assert theorem.check(tampered(path, norm_squared=heavy)).slack["mass"] < -0.01
    lone = path["a"].copy()
    lone[late] *= 2
    found = theorem.check(tampered(path, {"a": lone})).slack["two-slope classifier"]
    assert found < -0.01


def test_false_lines_are_seen():
    theorem = simplicity_bias(small(balanced(8, 3, seed=0, slope=0.1), 1e-3), DATA)
    path = early(theorem)
    assert theorem.inequalities(path).holds
    q = path["q"].copy()
    q[:, 0] += 0.2
    slack = theorem.inequalities(tampered(path, {"q": q})).slack
    assert slack["uneven weights"] < -0.1
    assert slack["turning"] < -1e-3
    light = 1e-3 * np.where(path["tau"] > 0, 1.0, 1e3) * path["norm_squared"]
    assert theorem.inequalities(tampered(path, norm_squared=light)).slack["growth of the mass"] < -1
    backward = {"V": np.where(path["tau"][:, None, None] > 0, -1, 1) * path["V"]}
    assert not theorem.check(tampered(path, backward)).holds
