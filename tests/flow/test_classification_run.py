"""A classification run keeps the time of the unnormalized flow when it is resumed."""

from types import SimpleNamespace as Some

import numpy as np
import pytest

from lowrot import Path, balanced, gradient_flow, sparse_parity, standard
from lowrot.flow._classification_run import ClassificationRun
from lowrot.flow._run import _SIZES, _WORTH
from lowrot.losses import LOSSES, as_loss


@pytest.mark.parametrize("loss", LOSSES)
def test_a_resumed_run_keeps_the_time(loss, tmp_path):
    # Early on: at the end of a long run the time before the pause would be rounding.
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    times = [0.4, 0.8]
    whole = gradient_flow(net, data, loss=loss, stop={"tau": 0.8}, save=times)
    first = gradient_flow(net, data, loss=loss, stop={"tau": 0.4})
    first.save(tmp_path / "first")
    saved = Path.load(tmp_path / "first")
    again = gradient_flow(net, data, loss=loss, stop={"tau": 0.8}, resume=saved)
    assert first["tau"][-1] == 0.4
    assert again["ln_t"][-1] == pytest.approx(whole["ln_t"][-1], abs=1e-3)
    # The first half is a good part of the whole: a run that forgot it would be noticed.
    assert np.exp(first["ln_t"][-1] - whole["ln_t"][-1]) > 0.3


@pytest.mark.parametrize("kinks", [0.0, 0.3])
@pytest.mark.parametrize("start", [-9.0, -2.0, 4.0])
def test_the_defect_knows_that_the_rate_changes_within_a_step(start, kinks):
    """A speed and a rate that are linear in time: the quadrature of their product is exact.

    What kinks add to the energy counts with the mean rate.
    """
    h = 0.9
    times, mean = np.array([0.0, h / 3, h]), 3.0 - h / 2
    P = start + 6.0 * times + times**2 / 2 - times**3 / 3
    P[2] += mean * kinks
    states = [Some(p=np.array([now]), norm_squared=1.0 + now) for now in times]
    run = Some(
        soft_margin=lambda state: float(np.interp(state.p[0], times, P)),
        objective=Some(rate=lambda p, _: 3.0 - float(p[0])),
        fallen=ClassificationRun.fallen,
        setting=Some(rates=(0.0, 1.0), rtol=1.0),
    )
    step = Some(stages=states[1:], speeds=tuple(2.0 + times[1:]), energy=2.0 * h + h**2 / 2 + kinks)
    assert ClassificationRun.defect(run, Some(state=states[0]), step, h) < 1e-14
    step.energy += 0.1
    assert ClassificationRun.defect(run, Some(state=states[0]), step, h) > 1e-3


@pytest.mark.parametrize("loss", LOSSES)
def test_the_first_length_is_accurate_and_no_much_longer_one_is(loss):
    """As far as the kernel at the start tells, and a neuron may move by its size."""
    for seed in range(5):
        net, data = standard(64, 8, seed=seed), sparse_parity(8, 2, 32, seed)
        run = ClassificationRun(net, data, as_loss(loss), (1.0, 1.0), 1e-3)
        state, h = run.point.state, run.point.h
        error = run.stepper.foreseen_error(state, h)
        farthest = _SIZES.growth * h * run.stepper.fastest(state.weights) > 1.0
        assert error <= 1.0
        assert farthest or error > (_SIZES.safety / _WORTH) ** 3
