"""What flips cost: the fractional knapsack against a linear program, and its edges."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from lowrot import Dataset, Network, sparse_parity, standard
from lowrot.theorems._flips import Flips


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_flips_solve_their_linear_program(slope):
    net, data = standard(12, 3, seed=1, slope=slope), sparse_parity(3)
    theta = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grid = np.linspace(0.0, 3.0, 13)
    flips = Flips.of(net, data, theta, grid)
    for rho, value in zip(grid, flips.values, strict=True):
        best = 0.0
        for x in data.X:
            worth = (1 - slope) * (net.a.abs() * (theta @ x).abs()).numpy()
            cost = (net.V @ x).square().numpy()
            solved = linprog(-worth, A_ub=cost[None], b_ub=[rho**2], bounds=[(0, 1)] * 12)
            best = max(best, -solved.fun)
        assert value == pytest.approx(best, abs=1e-9)
    assert flips.cost(np.array([0.1]))[0] == flips.values[1]
    assert flips.cost(np.array([3.1]))[0] == math.inf
    assert flips.integral(np.array([0.5]))[0] == pytest.approx(0.25 * flips.values[1:3].sum())


def test_a_neuron_on_its_kink_costs_all_of_its_worth_at_any_distance():
    on = Network(
        torch.tensor([10.0, 1.0]).double(), torch.tensor([[0.0, 1.0], [1.0, 0.0]]).double()
    )
    theta = torch.tensor([[0.5, 0.0], [0.0, 0.0]]).double()
    point = Dataset([[1.0, 0.0]], [1])
    assert Flips.of(on, point, theta, np.array([0.0, 1.0])).values.tolist() == [5.0, 5.0]


def test_the_worst_point_counts():
    net = Network(torch.ones(2).double(), torch.eye(2, dtype=torch.float64))
    theta = torch.tensor([[3.0, 0.0], [0.0, 2.0]]).double()
    data = Dataset(torch.eye(2, dtype=torch.float64), [1, -1])
    # Each point flips its own neuron at distance 1; the other is on its kink and has no worth.
    assert Flips.of(net, data, theta, np.array([0.0, 0.5, 1.0])).values == pytest.approx(
        [0.0, 0.75, 3.0]
    )
