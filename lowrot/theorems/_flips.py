"""What flipped activations can cost within a distance of W_0: a fractional knapsack per point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network


@dataclass(frozen=True, eq=False)
class Flips:
    """``Phi(rho)`` on a grid of distances, bounded from above between its points.

    To flip the activation of neuron j at point i, ``v_j`` must move by ``|v_j0 . x_i|``; the flip
    costs at most ``w_ij = (1 - slope) |a_j0| |x_i . theta_j|``. So

        ``Phi(rho) = max_i max_e {sum_j e_j w_ij : sum_j e_j (v_j0 . x_i)^2 <= rho^2}``,

    e_j in [0, 1], solved by sorting the neurons by ``w_ij/(v_j0 . x_i)^2``.

    Args:
        grid: distances from 0, increasing, evenly spaced.
        values: Phi on the grid, nondecreasing.
    """

    grid: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, net: Network, data: Dataset, theta: Tensor, grid: np.ndarray) -> Flips:
        """Evaluate Phi on a grid.

        Args:
            net: the start W_0.
            data: the data set.
            theta: of the inner weights, shape (m, d).
            grid: distances from 0, increasing, evenly spaced.
        """
        values = np.zeros_like(grid)
        for x in data.X:
            cost = (net.V @ x).square().cpu().numpy()
            worth = ((1.0 - net.slope) * net.a.abs() * (theta @ x).abs()).cpu().numpy()
            free = cost == 0.0
            base = worth[free].sum()
            cost, worth = cost[~free], worth[~free]
            order = np.argsort(-worth / cost, kind="stable")
            spent = np.append(0.0, np.cumsum(cost[order]))
            got = np.append(0.0, np.cumsum(worth[order]))
            values = np.maximum(values, base + np.interp(grid**2, spent, got))
        return cls(grid, values)

    def cost(self, rho: np.ndarray) -> np.ndarray:
        """Phi at the next point of the grid, an upper bound of ``Phi(rho)``; inf beyond it."""
        return np.append(self.values, np.inf)[np.searchsorted(self.grid, rho, side="left")]

    def integral(self, rho: np.ndarray) -> np.ndarray:
        """Upper bound of the integral of Phi from 0 to rho (Phi is nondecreasing)."""
        upper = np.append(0.0, np.cumsum(np.diff(self.grid) * self.values[1:]))
        return np.interp(rho, self.grid, upper)
