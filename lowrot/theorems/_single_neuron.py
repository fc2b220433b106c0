"""When one neuron is the network of least norm that meets its own labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.network import Network
from lowrot.optima._least_interpolant import independent, largest_of_dual
from lowrot.theorems._theorem import Hypothesis, Statement

_ROUNDING = 1e-9
"""By how much ``max |h|`` may be above 1, which it never is below, and count as 1."""


class SingleNeuron(Statement):
    """The theorem on one neuron's labels; build it with `single_neuron`.

    Attributes:
        X: the inputs, shape (d, d).
        w: the neuron, shape (d,).
        value: ``||w||``, which is ``||W||^2/2`` of the balanced network of one neuron.
        q: with ``sum_i q_i x_i = w/||w||``, shape (d,).
        largest: the maximum of ``|h(v)|``, ``h(v) = sum_i q_i s(v.x_i)``, over unit v; at least 1.
        at: a unit vector that attains it, shape (d,).
        lower: ``||w||/largest``, at most the least ``||W||^2/2`` of any network with these labels.
        sufficient: whether q >= 0 and all ``x_i.x_j >= 0``, which makes the theorem hold.
        hypotheses: ``w.x_i > 0`` for all i, and ``|h| <= 1``.
    """

    def __init__(self, X: Tensor, w: Tensor) -> None:
        self.X, self.w = X, w
        self.value = float(w.norm())
        self.q = torch.linalg.solve(X.T, w / self.value)
        self.largest, self.at = largest_of_dual(X, self.q)
        self.lower = self.value / self.largest
        acute = bool((X @ X.T >= 0).all())
        self.sufficient = acute and bool((self.q >= 0).all())
        least = float((X @ w).min())
        self.hypotheses = [
            Hypothesis(r"active at every input: $\min_i w \cdot x_i$", least, "$> 0$", least > 0),
            Hypothesis(
                r"the dual function at $q$: $\max_v \vert h(v)\vert$",
                self.largest,
                r"$\le 1$",
                self.largest <= 1 + _ROUNDING,
                1.0,
            ),
        ]

    def network(self) -> Network:
        """The balanced network of this one neuron."""
        return Network(
            self.w.new_tensor([math.sqrt(self.value)]), self.w[None] / math.sqrt(self.value)
        )


def single_neuron(X: Tensor, w: Tensor) -> SingleNeuron:
    """Evaluate whether one neuron is the network of least norm with the labels ``s(w.x_i)``.

    The balanced network of the neuron w has the least ``||W||`` of all ReLU networks, of any
    width, that meet its labels at d independent inputs, all active, if and only if ``|h| <= 1``.

    Args:
        X: linearly independent inputs, shape (d, d), d at most 8.
        w: the neuron, with ``w.x_i > 0`` for all i (a hypothesis, evaluated), shape (d,).

    Raises:
        ValueError: inputs that are dependent or too many, w zero, shapes or devices that
            disagree, or entries that are not finite.
        TypeError: another dtype.

    Source: chapter "Neighbours".
    """
    X = independent("X", X)
    d = X.shape[1]
    if len(X) != d:
        raise ValueError(f"X has {len(X)} inputs in {d} dimensions; expected as many as dimensions")
    w = _validate.real_array("w", w, (d,))
    _validate.same_device(X=X, w=w)
    if not bool(w.any()):
        raise ValueError("w is zero; expected a neuron")
    return SingleNeuron(X, w)
