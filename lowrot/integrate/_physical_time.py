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
from torch import Tensor

from lowrot.integrate._time_integral import time_between
from lowrot.losses import Loss

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
        slopes: Tensor,
    ) -> Node:
        """The node at margins p.

        Args:
            at: the clock time since the start of the step.
            p: the margins, shape (n,).
            loss: of the flow.
            speed: ``||W'||^2``.
            slopes: the derivatives of the margins, shape (n,).
        """
        P = float(loss.soft_margin(p))
        if loss.excess(p) is None:
            return cls(at, P, speed)
        q, ln_lam = loss.dual_weights(p)
        excess = float(loss.log_loss(p) - ln_lam)
        slope = speed * -math.expm1(-excess) - float(ln_lam.exp() * (q.square() @ slopes))
        return cls(at, P, speed * loss.soft_margin_rate(p, P), excess, slope)


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
        """Integrate between nodes, of which the values may be beyond all doubles."""
        if not all(math.isfinite(node.P) for node in nodes):
            return cls(tuple(nodes), Time(math.copysign(math.inf, nodes[-1].P)))
        found = time_between(np.array(nodes), loss.name == "logistic")
        return cls(tuple(nodes), Time(*found))
