"""The linear program of margins, on its own."""

import numpy as np
import pytest
import torch
from scipy import optimize

from lowrot.data import two_points
from lowrot.optima import _margin_program, frozen_margin


@pytest.mark.parametrize("unit", [1.0, 1e-5, 1e-8])
def test_small_margins_are_solved_in_their_own_unit(unit):
    # Column 0 favours row 0 strongly, column 1 row 1 weakly: the value is about unit.
    C = np.array([[1.0, -0.5 + unit], [-0.5, 0.25 + unit]])
    u, q, value = _margin_program.solve_margin_program(C)
    assert (C @ u).min() == pytest.approx(value, rel=1e-6)
    assert (q @ C).max() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("batch", [2, 10, 1000])
def test_column_generation_equals_the_whole_program(batch):
    C = np.random.default_rng(1).standard_normal((6, 500))
    working, u, q = _margin_program.margin_program(
        lambda index: C[:, index], lambda q: q @ C, 6, 500, batch=batch
    )
    value = _margin_program.solve_margin_program(C).value
    assert (C[:, working] @ u).min() == pytest.approx(value, rel=1e-6)
    assert (q @ C).max() == pytest.approx(value, rel=1e-6)


def test_the_linear_program_survives_a_solver_that_fails(monkeypatch, directions, check):
    calls = []
    original = optimize.linprog

    def failing(*arguments, **options):
        calls.append(options["method"])
        result = original(*arguments, **options)
        if len(calls) == 1:
            result.x = None
        return result

    monkeypatch.setattr(optimize, "linprog", failing)
    V, s = directions(10, 2)
    V, s = torch.cat([V, V]), torch.cat([s, -s])
    check(frozen_margin(V, s, two_points(0.5)))
    assert len(calls) > 1
