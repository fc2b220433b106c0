"""A coupled run keeps its integrals: J is exact where it can be, and a resumed run goes on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lowrot import Dataset, Features, balanced, coupled_flow, small, sparse_parity
from lowrot.coupled import METHODS
from lowrot.coupled._run import CoupledRun
from lowrot.integrate import DualWeights
from lowrot.losses import LOSSES, as_loss, entropy_constant
from lowrot.path import End, Outcome


def never(row):
    return False


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_resumed_run_keeps_the_time_and_J(loss, steps):
    # Early on t and J of the first part are a good part of the whole: later they are rounding.
    net, data = balanced(20, 2, seed=1), sparse_parity(2)
    whole = coupled_flow(net, data, loss=loss, stop={"when": never}, max_steps=steps + 2)
    first = coupled_flow(net, data, loss=loss, stop={"when": never}, max_steps=steps)
    second = coupled_flow(net, data, loss=loss, stop={"when": never}, max_steps=2, resume=first)
    for name in ("ln_t", "J"):
        np.testing.assert_array_equal(second[name], whole[name], err_msg=name)
        assert first[name][-1] > whole[name][-1] - 3.0
    assert second["ln_t"][-1] - first["ln_t"][-1] < 3.0


@pytest.mark.parametrize("start", [-3.0, math.log(0.4), 2.0])
def test_J_of_one_neuron_is_exact(start):
    # ln ||u||_1 = start + 2 c tau is a line, and so are its tangents.
    c, ln_c = 0.6, math.log(entropy_constant(1, "logistic"))
    ln_start = torch.tensor([start], dtype=torch.float64)
    features = Features(torch.tensor([[1.0, 0.0]]).double(), [1.0], ln_start)
    data = Dataset([[0.6, 0.8]], [1])
    path = coupled_flow(features, data, loss="logistic", stop={"tau": 6.0})
    reached = max(0.0, (ln_c - start) / (2 * c))
    late = np.maximum(path["tau"] - reached, 0.0)
    height = math.exp(min(0.0, ln_c - start))
    exact = np.minimum(path["tau"], reached) + height * -np.expm1(-2 * c * late) / (2 * c)
    np.testing.assert_allclose(path["J"], 2 * exact, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
def test_J_is_an_upper_bound_and_converges(loss):
    net, data = small(balanced(30, 3, seed=2), 0.3), sparse_parity(3)
    fine = coupled_flow(net, data, loss=loss, stop={"tau": 12.0}, save=np.linspace(0.01, 12, 1200))
    height = np.minimum(2.0, 2 * entropy_constant(8, loss) * np.exp(-fine["ln_norm"]))
    exact = np.concatenate([[0], np.cumsum(np.diff(fine["tau"]) * (height[1:] + height[:-1]) / 2)])
    np.testing.assert_allclose(fine["J"], exact, atol=4e-4)
    coarse = coupled_flow(net, data, loss=loss, stop={"tau": 12.0}, rtol=1e-2)
    at = np.interp(coarse["tau"], fine["tau"], exact)
    assert (coarse["J"] >= at - 4e-3).all()
    assert coarse["J"][-1] == pytest.approx(exact[-1], rel=0.05)


def test_one_point_of_the_exponential_loss_has_no_J():
    path = coupled_flow(balanced(10, 2), Dataset([[1.0, 0.0]], [1]), stop={"tau": 3.0})
    assert (path["J"] == 0).all()


@pytest.mark.parametrize("above", [True, False])
def test_the_sandwich_is_measured_from_both_sides(above):
    # Weights that do not belong to the margins: all on the largest of them, or on the least.
    net, data = balanced(20, 2, seed=3), sparse_parity(2)
    features = replace(Features.from_network(net), ln_start=Features.from_network(net).start + 5)
    run = CoupledRun(
        features.potential(data), 4, as_loss("exponential"), METHODS["sdirk2"], 1e-3, None
    )
    point, row = run.point, run.row(run.point) | {"tau": 1.0}
    p, size = point.margins.p, math.exp(point.margins.ln_scale)
    at = int(p.argmax() if above else p.argmin())
    ln_q = torch.full((4,), -800.0, dtype=torch.float64)
    ln_q[at] = 0.0
    run.point = replace(point, weights=DualWeights(ln_q, 0.0))
    if not above:
        row |= {"soft_ratio": float(p[at]) + 0.25}
    run.certify(row, row)
    value = run.recorder._worst["sandwich"]
    ceiling = row["margin"] + math.log(4) / size
    assert value == pytest.approx(float(p[at]) - ceiling if above else 0.25)
    assert value > 1e-3


def test_every_certificate_is_measured():
    features = Features.from_network(balanced(20, 2, seed=3))
    data = sparse_parity(2)
    path = coupled_flow(features, data, stop={"margin": 0.1})
    potential = features.potential(data)
    run = CoupledRun(potential, 4, as_loss("exponential"), METHODS["sdirk2"], 1e-3, path)
    row = run.row(run.point)
    assert row["margin"] > 0
    broken = {
        "loss_increase": ({"ln_loss": row["ln_loss"] * (1 - 1e-5)}, 1e-5),
        "margin_decrease": ({"margin": row["margin"] * (1 - 1e-5)}, 1e-5),
        "duality": ({"dual": row["margin"] - 1e-6}, 1e-6),
        "clock": ({"tau": row["tau"] / (1 + 1e-6)}, 1e-6),
    }
    for name, (change, value) in broken.items():
        run = CoupledRun(potential, 4, as_loss("exponential"), METHODS["sdirk2"], 1e-3, path)
        run.certify(row, row)
        worst = run.recorder._worst
        assert max(worst[each] for each in worst if each != "ln_t") < 1e-8
        run.certify(row, row | change)
        assert run.recorder._worst[name] == pytest.approx(value, rel=1e-3)
        assert not run.recorder.path(End(Outcome.REACHED, ""), {}, {}).certificates[name].ok
