"""The unit of the inputs: the flow runs in that of its features, and scales with it exactly.

With inputs c X and weights u/c the margins are the same: so are the dual weights, at tau/c.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.special import expit

from lowrot import Dataset, Features, coupled_flow, frozen_margin, no_rotation, sparse_parity
from lowrot import standard as standard_net
from lowrot.losses import LOSSES
from lowrot.path import Outcome

UNITS = [2.0**-10, 1e-6, 1e-9, 2.0**-40, 1e-12]


def features(m=40):
    net = standard_net(m, 3, 0)
    return Features(net.V / net.V.norm(dim=1, keepdim=True), net.a.sign(), None, 0.1)


def data(c=1.0):
    points = sparse_parity(3, 2)
    return Dataset(points.X * c, points.y)


def shifted(kept, by):
    return replace(kept, ln_start=kept.start + by)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("c", UNITS)
def test_everything_scales_with_the_unit(c, loss):
    times = np.array([0.5, 2.0, 10.0, 50.0])
    rules = {"loss": loss, "rtol": 1e-6, "stop": {"gap": 1e-9}}
    whole = coupled_flow(features(), data(), save=times, **rules)
    start = shifted(features(), -math.log(c))
    scaled = coupled_flow(start, data(c), save=times / c, **rules)
    exact = math.frexp(c)[0] == 0.5
    close = {"rtol": 1e-9 if exact else 3e-5, "atol": 1e-9 if exact else 3e-5}
    for name, factor in (
        ("tau", 1 / c), ("margin", c), ("soft_ratio", c), ("min_ratio", c), ("dual", c),
        ("ln_P", 1.0), ("gap", 1.0),
    ):  # fmt: skip
        np.testing.assert_allclose(scaled[name] / factor, whole[name], err_msg=name, **close)
    np.testing.assert_allclose(scaled["ln_loss"], whole["ln_loss"], rtol=10 * close["rtol"])
    for name in ("ln_t", "ln_norm"):
        np.testing.assert_allclose(scaled[name] + math.log(c), whole[name], err_msg=name, **close)
    np.testing.assert_allclose(scaled["z"] * c, whole["z"], **close)
    np.testing.assert_allclose(scaled["q"], whole["q"], **close)
    assert scaled.stats["steps"] <= 1.1 * whole.stats["steps"]
    assert all(one.ok for one in scaled.certificates.values())
    # J is of u/c, which is above c_n at all times here.
    level = math.log(whole.states["q"].shape[1] * (2.0 if loss == "logistic" else 1.0))
    height = level * np.exp(-scaled["ln_norm"][0]) * times[-1] / c
    assert 0.0 < scaled["J"][-1] <= height


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("c", UNITS)
def test_the_gap_is_reached_in_a_small_unit_from_the_same_start(c, loss):
    whole = coupled_flow(features(), data(), loss=loss, stop={"gap": 1e-3})
    path = coupled_flow(features(), data(c), loss=loss, stop={"gap": 1e-3})
    best = frozen_margin(features().directions, features().signs, data(), slope=0.1)
    assert path.outcome == Outcome.REACHED
    assert path["gap"][-1] <= 1e-3
    assert all(one.ok for one in path.certificates.values())
    assert path["margin"][-1] / c <= best.upper
    assert best.value * (1 - 1e-9) <= path["dual"][-1] / c <= best.value * 1.001
    assert len(path["tau"]) <= 2 * len(whole["tau"])
    theorem = no_rotation(features(), data(c), loss=loss)
    assert theorem.check(path).holds
    assert theorem.inequalities(path).holds


@pytest.mark.parametrize("loss", LOSSES)
def test_a_flow_in_a_small_unit_is_that_of_another_integrator(loss):
    # In c z and c tau, by Radau; the weights grow by 1/c before the dual weights move.
    c, times = 1e-9, np.array([10.0, 40.0, 60.0, 100.0])
    kept, points = features(), data()
    V, X = kept.directions.numpy(), points.X.numpy()
    C = kept.signs.numpy()[:, None] * np.maximum(V @ X.T, 0.1 * (V @ X.T)) * points.y.numpy()

    def slope(_, z):
        p = c * np.exp(kept.start.numpy() + 2.0 * C @ z) @ C
        q = np.exp(-(p - p.min())) if loss == "exponential" else expit(-p) / expit(-p.min())
        return q / q.sum()

    options = {"rtol": 1e-11, "atol": 1e-13, "t_eval": times}
    found = solve_ivp(slope, (0.0, times[-1]), np.zeros(8), method="Radau", **options).y.T
    path = coupled_flow(kept, data(c), loss=loss, save=times / c, rtol=1e-8)
    np.testing.assert_allclose(c * path["z"][1:], found, rtol=1e-5)
    assert float(path["q"][-1].max()) > 0.15  # they have moved


def test_inseparable_points_are_found_out_in_any_unit():
    for c in (1.0, 1e-6, 1e-12):
        path = coupled_flow(features(), Dataset([[c, 0.0, 0.0]] * 2, [1.0, -1.0]))
        assert path.outcome == Outcome.NOT_SEPARABLE
        assert path["dual"][-1] <= 2e-9 * c


def test_small_features_of_long_inputs_have_their_margin():
    along = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    path = coupled_flow(Features(along, [1.0]), Dataset([[0.9, 1e-5]], [1.0]))
    assert path.outcome == Outcome.REACHED
    assert path["margin"][-1] == pytest.approx(1e-5, rel=0.01)
    rounding = coupled_flow(Features(along, [1.0]), Dataset([[0.9, 1e-17]], [1.0]))
    assert rounding.outcome == Outcome.NOT_SEPARABLE


def test_a_run_in_a_small_unit_is_resumed_and_lands():
    rules = {"stop": {"tau": 3e10}, "loss": "logistic"}
    whole = coupled_flow(features(), data(1e-9), save=[1e10, 3e10], **rules)
    first = coupled_flow(features(), data(1e-9), save=[1e10], **rules)
    second = coupled_flow(features(), data(1e-9), save=[1e10, 3e10], resume=first, **rules)
    assert whole["tau"].tolist() == [0.0, 1e10, 3e10]
    for name in ("tau", "ln_norm", "margin", "J", "ln_t", "z"):
        np.testing.assert_allclose(second[name][-1], whole[name][-1], rtol=1e-13, err_msg=name)
    half = coupled_flow(features(), data(1e-9), stop={"gap": 0.01, "margin": 1e-12}, max_steps=50)
    assert half.outcome == Outcome.REACHED
    assert "margin" in half.reason


def test_times_too_short_for_the_unit_are_refused():
    least = sys.float_info.min
    with pytest.raises(ValueError, match=r"stop\['tau'\] is .*expected 0, or at least"):
        coupled_flow(features(), data(1e-9), stop={"tau": 10 * least})
    with pytest.raises(ValueError, match=r"save\[0\] is .*expected 0, or at least"):
        coupled_flow(features(), data(1e-9), save=[10 * least])
    path = coupled_flow(features(), data(1e-9), stop={"tau": least * 2e9})
    assert path["tau"][-1] == least * 2e9
