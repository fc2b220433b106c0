"""The cells of the global margin: facets, descent and the bound that pricing gives."""

import numpy as np
import pytest
import torch

from lowrot._hyperplanes import distinct_hyperplanes
from lowrot.network import activation
from lowrot.optima import _cell_problem


def test_facets_are_the_irredundant_hyperplanes_of_a_cell(instance):
    plane = instance(9, 2, 7)
    reduced = distinct_hyperplanes(plane.X.numpy())
    problem = _cell_problem.CellProblem(reduced, plane.y.numpy(), 0.0)
    assert [len(problem.facets(c)) for c in range(18)] == [2] * 18
    space = instance(7, 3, 7)
    problem = _cell_problem.CellProblem(distinct_hyperplanes(space.X.numpy()), space.y.numpy(), 0.0)
    # Each of the 7 great circles is cut into 12 arcs, each arc bounds two cells.
    assert sum(len(problem.facets(c)) for c in range(len(problem.orientation))) == 7 * 12 * 2


def test_a_descent_step_keeps_the_multipliers_feasible_and_never_lengthens(instance):
    data = instance(8, 3, 7)
    reduced = distinct_hyperplanes(data.X.numpy())
    problem = _cell_problem.CellProblem(reduced, data.y.numpy(), 0.0)
    cell = np.arange(len(problem.orientation))
    rng = np.random.default_rng(0)
    multipliers = rng.exponential(size=(len(cell), 8))
    g = problem.gradients(rng.dirichlet(np.ones(8)))

    def point():
        return g + (multipliers * problem.orientation) @ problem.normals

    pairs = _cell_problem.Pairs(cell, np.ones(len(cell)))
    left = _cell_problem._Open(pairs, point(), multipliers, np.full(len(cell), np.inf))
    for _ in range(20):
        before = np.linalg.norm(left.w, axis=1)
        problem._descend(left)
        assert multipliers.min() >= 0
        assert np.allclose(left.w, point(), atol=1e-12)
        assert (np.linalg.norm(left.w, axis=1) <= before + 1e-12).all()


@pytest.mark.parametrize("exact", [0, 3000])
def test_pricing_bounds_any_dual_point(exact, monkeypatch, instance, directions):
    # With exact = 0 every cell goes through the coarse descent first.
    monkeypatch.setattr(_cell_problem, "_EXACT", exact)
    data = instance(8, 3, 7)
    reduced = distinct_hyperplanes(data.X.numpy())
    problem = _cell_problem.CellProblem(reduced, data.y.numpy(), 0.1)
    V, _ = directions(200_000, 3, 2)
    for seed in range(5):
        q = np.random.default_rng(seed).dirichlet(np.full(8, 0.5))
        bound = problem.price(q, 1e-12).bound
        weight = torch.as_tensor(q) * data.y
        sampled = float((weight @ activation(data.X @ V.T, 0.1)).abs().max())
        assert sampled <= bound <= sampled * (1 + 1e-3)
