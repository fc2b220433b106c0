"""Figures of the chapter on symmetric data: what they draw, on short paths."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import symmetric as figures

pytestmark = pytest.mark.usefixtures("headless")

DATA, TRAP = lowrot.symmetric_pairs(), lowrot.fragile_pairs()


@pytest.fixture(scope="module")
def followed():
    net = lowrot.small(lowrot.balanced(6, 2, seed=0, slope=0.1), 0.1)
    return lowrot.gradient_flow(net, DATA, stop={"tau": 20.0}, save=np.linspace(0, 20, 11))


def test_the_mass_ratio_counts_both_signs(followed):
    a = followed["a"]
    expected = [(row[row > 0] ** 2).sum() / (row[row < 0] ** 2).sum() for row in a]
    np.testing.assert_allclose(figures.mass_ratio(followed), expected)


def test_boundaries_have_a_panel_each(followed):
    nets = {f"{k}": followed.network(k) for k in (0, 5, 10)}
    axes = figures.boundaries(nets, DATA)
    assert [ax.get_title("left") for ax in axes] == list(nets)
    assert all(ax.collections for ax in axes)


def test_the_early_phase_has_both_sides(followed):
    theorem = lowrot.simplicity_bias(followed.network(0), DATA)
    frame = theorem.check(followed).frame
    left, right = figures.early_phase(frame, followed, 2.0)
    assert [list(line.get_ydata()) for line in left.lines] == [
        list(frame[name]) for name in ("t", "bound", "mass", "mass_bound")
    ]
    assert list(right.lines[0].get_ydata()) == list(figures.mass_ratio(followed))
    assert right.lines[1].get_ydata()[0] == 2.0


def test_bounds_are_over_the_best_margin(followed):
    theorem = lowrot.symmetric(followed.network(0), DATA)
    frame = theorem.check(followed).frame
    lock = lowrot.locking(followed.network(0), DATA, [1.0, 0.0]).check(followed).frame
    first, second = figures.margin_bounds({"one": frame, "two": lock})
    assert list(first.lines[0].get_ydata()) == pytest.approx(list(frame.margin / theorem.ceiling))
    assert list(second.lines[0].get_ydata()) == pytest.approx(list(lock.margin / lock.limit))


def test_lock_times_are_from_mass_one_on():
    rows = [(m, s, 10.0 * m + k, 5.0, 10.0**-m) for m in (1, 2) for s in (1e-3, 1) for k in (0, 2)]
    frame = pd.DataFrame(rows, columns=["m", "scale", "lock", "grown", "gap"])
    left, right = figures.lock_times(frame)
    assert [list(line.get_ydata()) for line in left.lines] == [[6.0, 6.0], [16.0, 16.0]]
    assert [list(line.get_ydata()) for line in right.lines] == [[0.1, 0.1], [0.01, 0.01]]


def test_lines_of_the_proofs(followed):
    net = followed.network(0)
    acute = lowrot.symmetric(net, DATA, part="acute").inequalities(followed).frame
    free = lowrot.symmetric(net, DATA).inequalities(followed).frame
    locked = lowrot.locking(net, DATA, [1.0, 0.0])
    frame = locked.inequalities(followed).frame
    first, second, third = figures.proof_lines(acute, free, frame, locked.k)
    assert list(first.lines[1].get_ydata()) == list(acute.ln_norm)
    assert [list(line.get_ydata()) for line in second.lines] == [
        list(free[name]) for name in ("pull", "odd_bound", "pull_bound")
    ]
    assert list(third.lines[0].get_ydata()) == pytest.approx(list(locked.k**2 * frame.least**2))
    assert list(third.lines[1].get_ydata()) == list(frame.across)


def test_fragile_ends_count_shares():
    frame = pd.DataFrame(
        {
            "scale": [1e-3, 1e-3, 1.0, 1.0],
            "seed": [0, 1, 0, 1],
            "ratio": [0.4, 0.4, 0.4, 1.0],
            "linear": [True, True, True, False],
            "locks": [True, False, False, False],
        }
    )
    left, right = figures.fragile_ends(frame, 0.4)
    assert list(left.lines[0].get_ydata()) == [0.4, 0.4, 0.4, 1.0]
    assert [list(line.get_ydata()) for line in right.lines] == [[1.0, 0.5], [0.5, 0.0]]


def test_the_explorer_has_every_combination(followed):
    best, linear = {"all": 0.0825, "two": 0.1}, {"all": 0.0825, "two": 0.05}
    paths = {(name, scale): followed for name in best for scale in (0.1, 1.0)}
    text = str(figures.deletion_explorer(paths, best, linear, [0.0, 10.0, 20.0]))
    assert "two, scale 1: " in text
    held = json.loads(re.search(r'application/json">(.*?)</script>', text, re.S)[1])
    assert len(json.dumps(held)) > 100
