"""The time of a step, from nodes of the soft margin on it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from lowrot.integrate import Node, Time, time_of_step
from lowrot.losses import LOSSES, as_loss


def grown(at, size, loss):
    """The node of one balanced neuron on one point, whose margin is ``size e^{2 tau}``."""
    p = size * math.exp(2.0 * at)
    margins = torch.tensor([p], dtype=torch.float64)
    return Node.of(at, margins, as_loss(loss), 2.0 * p, 2.0 * margins)


def exact(h, size, loss):
    """``ln int 1/Lam`` for it."""

    def ln_slowness(tau):
        p = size * math.exp(2.0 * tau)
        return p if loss == "exponential" else np.logaddexp(0.0, p)

    top = ln_slowness(h)
    cuts = [h - 2.0**-k for k in range(20) if 2.0**-k < h]
    integral = quad(
        lambda tau: math.exp(ln_slowness(tau) - top), 0, h, points=cuts, epsabs=0, epsrel=1e-13
    )
    return top + math.log(integral[0])


@pytest.mark.parametrize("size", [1e-3, 0.3, 5.0, 200.0])
@pytest.mark.parametrize("h", [1e-3, 0.5, 2.0])
@pytest.mark.parametrize("middle", [[], [1 / 3]])
def test_exponential_growth_is_integrated_exactly(size, h, middle):
    nodes = [grown(part * h, size, "exponential") for part in (0.0, *middle, 1.0)]
    time = time_of_step(nodes, as_loss("exponential"), 1e-12, lambda _: None)
    expected = exact(h, size, "exponential")
    assert time.ln_t == pytest.approx(expected, rel=1e-13, abs=1e-12)
    assert time.error < 1e-11


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", [1e-3, 0.3, 5.0])
@pytest.mark.parametrize("allowed", [1e-2, 1e-4, 1e-6, 1e-8])
def test_refinement_keeps_what_is_allowed(loss, size, allowed):
    h, nodes = 1.7, [grown(at, size, loss) for at in (0.0, 1.7)]

    def sample(times):
        return [grown(at, size, loss) for at in times]

    time = time_of_step(nodes, as_loss(loss), allowed, sample)
    assert time.error <= allowed
    assert abs(time.ln_t - exact(h, size, loss)) <= allowed * max(1.0, nodes[-1].P)


def test_a_kink_between_the_nodes_is_found():
    def kinked(at):
        return Node(at, at if at < 0.4 else 0.4 + 3.0 * (at - 0.4), 1.0 if at < 0.4 else 3.0)

    expected = math.log(math.expm1(0.4) + math.exp(0.4) * math.expm1(1.8) / 3.0)
    for allowed in (1e-3, 1e-5):
        nodes, loss = [kinked(at) for at in (0.0, 1 / 3, 1.0)], as_loss("exponential")
        rough = time_of_step(nodes, loss, allowed, lambda _: None)
        assert rough.error * nodes[-1].P > abs(rough.ln_t - expected) > allowed
        time = time_of_step(nodes, loss, allowed, lambda times: [kinked(at) for at in times])
        assert abs(time.ln_t - expected) < allowed * nodes[-1].P


def test_a_time_beyond_the_doubles():
    loss = as_loss("exponential")
    steep = [Node(0.0, 1e5, 1e5), Node(1.0, 2e5, 1e5)]
    time = time_of_step(steep, loss, 1e-12, lambda _: None)
    assert time.ln_t == pytest.approx(2e5 - math.log(1e5), abs=1e-9)
    for last, expected in ((math.inf, math.inf), (-math.inf, -math.inf)):
        nodes = [Node(0.0, 1.0, 1.0), Node(1.0, last, 1.0)]
        assert time_of_step(nodes, loss, 1e-3, lambda _: None).ln_t == expected


def test_a_flow_at_rest():
    nodes = [Node(at, -1.0, 0.0) for at in (0.0, 1.0, 3.0)]
    time = time_of_step(nodes, as_loss("exponential"), 1e-9, lambda _: None)
    assert time.ln_t == pytest.approx(math.log(3.0) - 1.0, abs=1e-12)


def test_times_add_up_with_their_errors():
    total = Time(math.log(2.0), 0.1).after(Time(math.log(6.0), 0.3))
    assert total.ln_t == pytest.approx(math.log(8.0))
    assert total.error == pytest.approx(0.25)
    assert Time(-math.inf).after(Time(math.inf)).ln_t == math.inf
