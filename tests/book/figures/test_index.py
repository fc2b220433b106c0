"""Figures of the landing page: the three regimes do what their names say, and are drawn."""

import math

import pytest
import torch

from figures import index as figures
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")


@pytest.fixture(scope="module")
def simulated():
    return figures.regimes(seed=0)


def test_regimes_do_what_their_names_say(simulated):
    near, collapse, still = simulated
    assert all(regime.path.ok for regime in simulated)
    assert near.moved == pytest.approx(0.5 * 0.2131 * math.sqrt(2000), rel=0.05)
    assert near.key_rotation < 1 < 10 < collapse.key_rotation
    assert still.key_rotation < 1e-9
    assert all(regime.margin > 0 for regime in simulated)


def test_three_regimes_draws_each(simulated):
    before = [regime.after.V.clone() for regime in simulated]
    axes = figures.three_regimes(simulated, shown=20)
    assert [ax.get_title("center") for ax in axes] == [regime.name for regime in simulated]
    assert all(len(ax.lines) == 2 + 20 for ax in axes)
    assert all(torch.equal(a, regime.after.V) for a, regime in zip(before, simulated))
    assert axes[0].figure.get_figwidth() <= plots.WIDEST


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="at least one regime"):
        figures.three_regimes([])


def test_groups_are_separated():
    data = figures.three_groups()
    product = data.X @ data.X.T
    same = data.groups[:, None] == data.groups[None, :]
    assert bool((product[same] > 0).all())
    assert bool((product[~same] <= 0).all())
