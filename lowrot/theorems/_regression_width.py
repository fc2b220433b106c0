"""What a standard start of another width brings to regression, each number from its safe side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from lowrot.kernels import ntk
from lowrot.network import Network
from lowrot.theorems._regression import State

FAILURE = 0.05
"""Probability with which the residuals of a start may be larger."""
_BLOCKS = 8
"""Parts into which the neurons are cut, so that one lucky draw counts little."""
_TALL = 4
"""Times as many neurons as points that a part has at least, where there are as many."""


@dataclass(frozen=True)
class Wider:
    """Ends that starts of any width share.

    The least eigenvalue of ``A A^T`` is a concave function of a sum over neurons. So its mean over
    starts of m neurons is at least m/b times that over b <= m neurons, and at most m times the
    least eigenvalue of the kernel of infinite width: the first is safe, the second is not.

    Given V, the outputs ``A a`` are Gaussian of covariance ``A A^T/m``, for which the kernel K of
    infinite width stands here. With probability 1 - delta and ``x = ln(1/delta)``
    ``||A a - y||^2 <= ||y||^2 + tr K + 2 sqrt((tr K^2 + 2 y^T K y) x) + 2 ||K|| x``.

    Args:
        least: width from which on the eigenvalue is known to grow so.
        square: least eigenvalue of ``A A^T`` per neuron, from below.
        R: norm of the residuals, from above.
    """

    least: int
    square: float
    R: float

    @classmethod
    def of(cls, state: State) -> Self:
        """Read both from a start."""
        net, X = state.net, state.X
        n = len(X)
        size = net.m // max(1, min(_BLOCKS, net.m // (_TALL * n)))
        parts = [slice(k, k + size) for k in range(0, net.m - size + 1, size)]
        K = ntk(X, block="outer", slope=net.slope).cpu().numpy()
        values, y = np.linalg.eigvalsh(K), state.y.cpu().numpy()
        square = 0.0
        if size >= n:
            neurons = (Network(net.a[part], net.V[part], net.slope) for part in parts)
            found = [State(some, X, state.y).least((1.0, 0.0)) for some in neurons]
            square = max(0.0, min(float(np.mean(found)) / size, float(values[0])))
        x = math.log(1 / FAILURE)
        spread = 2 * math.sqrt((float((values**2).sum()) + 2 * float(y @ K @ y)) * x)
        R = math.sqrt(float(y @ y) + float(values.sum()) + spread + 2 * float(values[-1]) * x)
        return cls(size, square, R)

    def at(self, m: int) -> float:
        """The least eigenvalue of ``A A^T`` at a width, from below; 0 where it is not known."""
        return m * self.square if m >= self.least else 0.0
