"""``ln t`` of gradient flows against exact solutions and fine runs: it has an error control."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import quad, solve_ivp

from lowrot import Dataset, Network, gradient_flow, sparse_parity, standard
from lowrot.flow._classification_run import ClassificationRun
from lowrot.flow._radau import Radau
from lowrot.losses import LOSSES

RTOLS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8)


def ln_lam(p, loss):
    """Of margins along the first axis."""
    return np.logaddexp.reduce(-p if loss == "exponential" else -np.logaddexp(0.0, p), axis=0)


def alone(*sizes):
    """Balanced neurons, each on an axis with one point, whose margins start at the sizes."""
    roots = torch.tensor(sizes, dtype=torch.float64).sqrt()
    eye = torch.eye(len(sizes), dtype=torch.float64)
    return Network(roots, roots[:, None] * eye), Dataset(eye, torch.ones_like(roots))


def one_point(loss, tau):
    """``ln t`` of one neuron on one point, where ``p = .1 e^{2 tau}``."""

    def ln_slowness(s):
        return -ln_lam(np.array([0.1 * math.exp(2.0 * s)]), loss)

    top = ln_slowness(tau)
    cuts = [tau - 2.0**-k for k in range(14) if 2.0**-k < tau]
    value = quad(
        lambda s: math.exp(ln_slowness(s) - top), 0, tau, points=cuts, epsabs=0, epsrel=1e-13
    )
    return top + math.log(value[0])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rtol", RTOLS)
@pytest.mark.parametrize("save", [None, [1.0, 2.0, 3.0, 4.0, 5.0]])
def test_one_neuron_on_one_point(loss, rtol, save):
    path = gradient_flow(*alone(0.1), loss=loss, stop={"tau": 5.0}, rtol=rtol, save=save)
    exact = np.array([one_point(loss, tau) for tau in path["tau"][1:]])
    assert path.ok, path.status
    off = np.abs(path["ln_t"][1:] - exact)
    assert np.all(off <= rtol + 1e-14 * np.abs(exact))
    if loss == "exponential":
        np.testing.assert_allclose(path["ln_t"][1:], exact, rtol=1e-13, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES)
def test_one_neuron_lands_on_a_time(loss):
    for target in (-3.0, 0.5, 4.0, 60.0):
        path = gradient_flow(*alone(0.1), loss=loss, stop={"ln_t": target})
        assert path["ln_t"][-1] == pytest.approx(target, rel=2e-6)
        assert one_point(loss, path["tau"][-1]) == pytest.approx(target, rel=2e-6, abs=1e-3)
        landed = gradient_flow(*alone(0.1), loss=loss, stop={"P": path["P"][-1]}, save=[9.0])
        assert landed["ln_t"][-1] == pytest.approx(
            one_point(loss, landed["tau"][-1]), rel=1e-9, abs=1e-3
        )


@pytest.mark.parametrize("loss", LOSSES)
def test_two_points_against_an_integrator(loss):
    """Margins obey ``p_i' = 2 q_i p_i`` there, and ``ln t`` is one more unknown."""
    sizes, early, times = np.array([0.1, 0.25]), 1e-7, [0.5, 1.0, 2.0, 3.0, 4.0, 5.0]

    def speed(p):
        ln_slopes = -p if loss == "exponential" else -np.logaddexp(0.0, p)
        return 2.0 * np.exp(ln_slopes - ln_lam(p, loss)) * p

    def slope(_, state):
        p = state[:-1]
        return np.append(speed(p), math.exp(-ln_lam(p, loss) - state[-1]))

    start = np.append(sizes + early * speed(sizes), math.log(early) - ln_lam(sizes, loss))
    options = {"method": "Radau", "rtol": 1e-11, "atol": 1e-12, "t_eval": times}
    exact = solve_ivp(slope, (early, 5.0), start, **options).y
    errors = []
    rtols = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    for rtol in rtols:
        path = gradient_flow(*alone(*sizes), loss=loss, stop={"tau": 5.0}, rtol=rtol, save=times)
        assert path.ok, path.status
        off = np.abs(path["ln_t"][1:] - exact[-1])
        errors.append(off.max())
        # Errors of P add up over the steps.
        assert np.all(off <= 3.0 * rtol * np.maximum(1.0, np.abs(path["P"][1:])))
    assert np.polyfit(np.log(rtols), np.log(errors), 1)[0] > 0.7


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rtol", [1e-2, 1e-3, 1e-4])
def test_many_kinks(loss, rtol):
    """Neurons of a wide network cross kinks and slide; at a given P t depends on little else."""
    net, data = standard(40, 3, seed=0), sparse_parity(3)
    for P in (-1.5, 0.0, 3.0, 10.0):
        ln_t = [
            gradient_flow(net, data, loss=loss, stop={"P": P}, rtol=tol, save=[99.0])["ln_t"][-1]
            for tol in (rtol, 1e-7)
        ]
        assert abs(ln_t[0] - ln_t[1]) <= rtol * max(1.0, abs(P))


@pytest.mark.parametrize("loss", LOSSES)
def test_saving_does_not_matter(loss):
    net, data = standard(40, 3, seed=0), sparse_parity(3)
    random = np.random.default_rng(0)
    times = np.sort(random.uniform(0.0, 4.0, 12))
    ends = [
        gradient_flow(net, data, loss=loss, stop={"tau": 4.0}, save=save)
        for save in ([*times, 4.0], [4.0])
    ]
    assert ends[0]["ln_t"][-1] == pytest.approx(ends[1]["ln_t"][-1], abs=4e-3)


def test_the_certificate_sees_a_rate_that_is_wrong(monkeypatch):
    """Planted: rates ``P'`` that are too large by a tenth at the first stage."""
    attempt = Radau.attempt

    def wrong(self, *args):
        step = attempt(self, *args)
        return replace(step, speeds=(1.1 * step.speeds[0], step.speeds[1]))

    monkeypatch.setattr(Radau, "attempt", wrong)
    monkeypatch.setattr(ClassificationRun, "defect", lambda *_: 0.0)
    monkeypatch.setattr(Radau, "within", lambda *_: None)
    path = gradient_flow(*alone(0.1), stop={"tau": 2.0}, rtol=1e-4)
    assert not path.certificates["ln_t"].ok
    assert "ln_t" in path.status
