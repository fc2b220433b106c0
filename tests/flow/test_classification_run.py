"""A classification run keeps the time of the unnormalized flow when it is resumed."""

import numpy as np
import pytest

from lowrot import Path, balanced, gradient_flow, sparse_parity
from lowrot.losses import LOSSES


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
