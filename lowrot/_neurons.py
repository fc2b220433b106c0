"""A neuron under given dual weights: a linear equation between two kinks, solved in closed form.

Between kinks ``a' = eta_a h.v`` and ``v' = eta_V a h`` with ``h(t) = h0 + t h1`` linear in time:
the generators are those of the Lorentz group, and ``eta_V a^2 - eta_a ||v||^2`` is conserved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lowrot._planes import Planes

Rates = tuple[float, float]


@dataclass(frozen=True)
class Drive:
    """The field ``h_j(t) = sum_i w_i(t) s'_ij x_i`` of weights that are linear in time.

    Attributes:
        base: part that does not depend on the pattern, at time 0 and its rate, shape (2, d).
        jump: coefficients of the patterns, shape (2, N).
        turned: ``jump_k u_k``, both times side by side, shape (N, 2 d).
    """

    base: Tensor
    jump: Tensor
    turned: Tensor

    @classmethod
    def of(cls, planes: Planes, weights: Tensor, rate: Tensor) -> Drive:
        """The drive of ``w(t) = weights + t rate``, each of shape (n,)."""
        mean, jump = planes.coefficients(torch.stack([weights, rate]))
        turned = torch.cat([jump[0, :, None] * planes.U, jump[1, :, None] * planes.U], dim=1)
        return cls(mean @ planes.U, jump, turned)

    def field(self, S: Tensor) -> tuple[Tensor, Tensor]:
        """``h0`` and ``h1`` of neurons with patterns S, shape (m, d); without planes slid on."""
        both = S @ self.turned
        d = both.shape[1] // 2
        return both[:, :d] + self.base[0], both[:, d:] + self.base[1]

    def jumps(self, t: Tensor) -> Tensor:
        """The jumps at each of the times t, shape (e, N)."""
        return self.jump[0] + t[:, None] * self.jump[1]


def propagate(
    a: Tensor, V: Tensor, h0: Tensor, h1: Tensor, t: Tensor | float, rates: Rates
) -> tuple[Tensor, Tensor]:
    """Solve ``a' = eta_a h.v, v' = eta_V a h`` over a time t (one for all, or one a neuron).

    The exponential of the first two terms of the Magnus series: exact for constant h, of order 4
    in t else. Source: chapter "How we follow a gradient flow"; Magnus, Comm. Pure Appl. Math. 7,
    1954.
    """
    both = rates[0] * rates[1]
    if isinstance(t, Tensor):
        t = t[:, None]
    impulse = t * (h0 + 0.5 * t * h1)
    twist = both * t**3 / 12.0
    dots = [(one * other).sum(1, keepdim=True) for one, other in ((h0, h0), (h0, h1), (h1, h1))]
    angle = twist * (dots[0] * dots[2] - dots[1].square()).clamp_min(0.0).sqrt()
    linear = 0.5 * twist * torch.sinc(angle / (2.0 * math.pi))
    square = 0.125 * (twist * torch.sinc(angle / (4.0 * math.pi))).square()
    mixed = square * dots[1]
    to1, to0 = (linear + mixed, -square * dots[0]), (-square * dots[2], mixed - linear)

    def turn(V: Tensor) -> Tensor:
        """Half the rotation in the plane of h0 and h1, by Rodrigues' formula."""
        on0, on1 = (h0 * V).sum(1, keepdim=True), (h1 * V).sum(1, keepdim=True)
        V = torch.addcmul(V, h1, to1[0] * on0 + to1[1] * on1)
        return V.addcmul_(h0, to0[0] * on0 + to0[1] * on1)

    V = turn(V)
    size = (math.sqrt(both) * impulse.norm(dim=1)).clamp_min(1e-150)
    sinhc, coshc = torch.sinh(size) / size, 0.5 * (torch.sinh(0.5 * size) / (0.5 * size)).square()
    along = (V * impulse).sum(1)
    gain = rates[1] * (a * sinhc + rates[0] * along * coshc)
    a = a * torch.cosh(size) + rates[0] * along * sinhc
    return a, turn(V + gain[:, None] * impulse)


def speed_squared(a: Tensor, V: Tensor, h: Tensor, rates: Rates = (1.0, 1.0)) -> float:
    """``sum_j eta_a (h_j.v_j)^2 + eta_V a_j^2 ||h_j||^2``: how fast the objective changes."""
    outer, inner = (h * V).sum(1).square().sum(), (a.square() * h.square().sum(1)).sum()
    return float(rates[0] * outer + rates[1] * inner)
