"""The time t of a flow that advances in the clock tau: the integral of ``1/Lam``, in logarithms.

``1/Lam`` may grow by hundreds of orders of magnitude in a step. What is interpolated is the
logarithm of the rate ``P'``: where norms grow exponentially it is a line, and the integral exact.
Source: chapter "How we follow a gradient flow".
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lowrot.losses import Loss

_X, _W = np.polynomial.legendre.leggauss(12)
_X, _W = 0.5 * (_X + 1.0), 0.5 * _W
_PANEL = 0.5
"""Growth of P on the last panel, about; each panel before it is twice as long."""
_PANELS = 60
"""Most panels; what is before them is below rounding."""
_SLOW = math.exp(-8.0)
"""Part of the largest rate from which rates are told apart."""
_BEYOND = 1.0
"""How far P and the excess may lie beyond their values at the nodes."""
_ROUNDS = 12
"""Most refinements of a step, each with new nodes."""


class Node(NamedTuple):
    """What is known at a time on a step.

    Attributes:
        at: the clock time since the start of the step.
        P: soft margin.
        rate: its derivative.
        excess: ``ln L - ln Lam``, 0 for the exponential loss.
        slope: its derivative.
    """

    at: float
    P: float
    rate: float
    excess: float = 0.0
    slope: float = 0.0

    @classmethod
    def of(
        cls,
        at: float,
        p: Tensor,
        loss: Loss,
        speed: float,
        slopes: Callable[[], Tensor],
        negligible: float = 0.0,
    ) -> Node:
        """The node at margins p.

        Args:
            at: the clock time since the start of the step.
            p: the margins, shape (n,).
            loss: of the flow.
            speed: ``||W'||^2``.
            slopes: gives the derivatives of the margins, shape (n,), where they are needed.
            negligible: an excess of which the derivative does not count.
        """
        P = float(loss.soft_margin(p))
        if loss.excess(p) is None:
            return cls(at, P, speed)
        rate, slope = speed * loss.soft_margin_rate(p, P), 0.0
        q, ln_lam = loss.dual_weights(p)
        excess = float(loss.log_loss(p) - ln_lam)
        if excess > negligible:
            slope = speed * -math.expm1(-excess) - float(ln_lam.exp() * (q.square() @ slopes()))
        return cls(at, P, rate, excess, slope)


class Time(NamedTuple):
    """The logarithm of a time, and an estimate of its error, in units of ``max(1, | P |)``."""

    ln_t: float
    error: float = 0.0

    def after(self, step: Time) -> Time:
        """The time after a step that takes another one."""
        ln_t = float(np.logaddexp(self.ln_t, step.ln_t))
        if not math.isfinite(ln_t):
            return Time(ln_t, self.error)
        parts = (self, step)
        return Time(ln_t, sum(one.error * math.exp(one.ln_t - ln_t) for one in parts))


START = Time(-math.inf)
"""t = 0, without an error."""

Sample = Callable[[list[float]], list[Node] | None]


def time_of_step(nodes: Sequence[Node], loss: Loss, allowed: float, sample: Sample) -> Time:
    """The time that a step takes, refined until its error is as allowed, or no more can be done.

    Args:
        nodes: at the start and at the end of the step, with one between if it is known.
        loss: of the flow.
        allowed: error of ln t, in units of ``max(1, | P |)`` at the end: more is unknown of P.
        sample: nodes at increasing times within the step; None where they cannot be had.
    """
    unit, pieces = max(1.0, abs(nodes[-1].P)), [_Piece.between(nodes, loss)]
    time, rounds = pieces[0].time, 0
    while time.error > allowed * unit and rounds < _ROUNDS:
        worst = max(pieces, key=lambda piece: piece.time.ln_t + math.log(piece.time.error + 1e-99))
        known, rounds = worst.nodes, rounds + 1
        found = sample([0.5 * (a.at + b.at) for a, b in itertools.pairwise(known)])
        if found is None:
            break
        pieces.remove(worst)
        pieces += [_Piece.between(three, loss) for three in zip(known, found, known[1:])]
        time = functools.reduce(Time.after, (piece.time for piece in pieces))
    return Time(time.ln_t, time.error / unit)


@dataclass(frozen=True)
class _Piece:
    """The integral of ``1/Lam`` between the first and the last of some nodes."""

    nodes: tuple[Node, ...]
    time: Time

    @classmethod
    def between(cls, nodes: Sequence[Node], loss: Loss) -> _Piece:
        """Integrate once roughly and once as well as the nodes allow.

        Roughly, ln P' is a polynomial through the nodes, and P follows from it and its last value.
        That may miss the values before: at best P is corrected by a polynomial. The difference of
        the two integrals is the estimate of the error.
        """
        last, h = nodes[-1], nodes[-1].at - nodes[0].at
        if not all(math.isfinite(node.P) for node in nodes):
            return cls(tuple(nodes), Time(math.copysign(math.inf, last.P)))
        u = [(last.at - node.at) / h for node in nodes]
        rates = [h * node.rate for node in nodes]
        top = max(*rates, 1e-300)
        ln_rate = _Curve.through(u, [math.log(max(rate, _SLOW * top)) for rate in rates])
        s, weights = _panels(top)
        fall = _fall(np.append(s, u), ln_rate)
        rough, at_nodes = fall[: -len(u)], fall[-len(u) :].tolist()
        missed = [node.P - last.P + fallen for node, fallen in zip(nodes, at_nodes)]
        most = max(last.P - nodes[0].P, 0.0)
        best = rough - _Curve.through(u, missed, [0.0] * len(u))(s)
        best = np.minimum(np.maximum(best, -_BEYOND), most + _BEYOND)
        logs, shift = -np.stack([rough, best]), 0.0
        if any(node.excess for node in nodes):
            values = [node.excess - last.excess for node in nodes]
            slopes = [-h * node.slope for node in nodes]
            curves = [_Curve.through(u, values, slopes, skip) for skip in (1, 0)]
            excess = np.stack([curve(s) for curve in curves])
            excess = excess.clip(min(values) - _BEYOND, max(values) + _BEYOND)
            bend = _bend(last.P + np.append(logs, 0.0), loss)
            logs += bend[:-1].reshape(logs.shape) + excess
            logs, shift = logs - bend[-1], float(bend[-1]) + last.excess
        roughly, well = (np.exp(logs) @ weights).tolist()
        ln_t = last.P + shift + math.log(h * well)
        return cls(tuple(nodes), Time(ln_t, abs(roughly / well - 1.0)))


@dataclass(frozen=True)
class _Curve:
    """A polynomial in Newton's form: ``c_0 + (x - x_0) (c_1 + (x - x_1) (c_2 + ..))``."""

    nodes: list[float]
    coefficients: list[float]

    @classmethod
    def through(
        cls, u: list[float], values: list[float], slopes: list[float] | None = None, skip: int = 0
    ) -> _Curve:
        """With values and slopes at nodes, by divided differences from the last one on.

        The first ``skip`` slopes do not count.
        """
        at = []
        for k in reversed(range(len(u))):
            at += [k] if slopes is None or k < skip else [k, k]
        x, c = [u[k] for k in at], [values[k] for k in at]
        for order in range(1, len(x)):
            for i in range(len(x) - 1, order - 1, -1):
                if at[i] == at[i - order]:
                    assert slopes is not None
                    c[i] = slopes[at[i]]
                else:
                    c[i] = (c[i] - c[i - 1]) / (x[i] - x[i - order])
        return cls(x, c)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        total = np.full_like(x, self.coefficients[-1])
        for node, coefficient in zip(self.nodes[-2::-1], self.coefficients[-2::-1]):
            total *= x - node
            total += coefficient
        return total


def _fall(u: np.ndarray, ln_rate: _Curve) -> np.ndarray:
    """The integral of the rate from 0 to u."""
    return np.asarray(u * (np.exp(ln_rate(np.multiply.outer(u, _X))) @ _W))


def _panels(rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of a quadrature on [0, 1] of functions that fall at most at a rate."""
    first = min(1.0, _PANEL / rate)
    count = min(math.ceil(-math.log2(first)), _PANELS)
    edges = np.append(0.0, np.minimum(first * 2.0 ** np.arange(count + 1), 1.0))
    width = np.diff(edges)[:, None]
    return (edges[:-1, None] + width * _X).ravel(), (width * _W).ravel()


def _bend(P: np.ndarray, loss: Loss) -> np.ndarray:
    """``-ln l(P) - P``, 0 for the exponential loss."""
    return -loss.log_values(torch.as_tensor(P)).numpy() - P
