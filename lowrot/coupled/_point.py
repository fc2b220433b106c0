"""The coupled flow at one time, and at a stage of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from lowrot.coupled._implicit_step import ScaledMargins
from lowrot.integrate import START, DualWeights, Node, Time


@dataclass(frozen=True, eq=False)
class CoupledPoint:
    """The flow at one time, with what the next step needs; all but t in the unit of the features.

    Attributes:
        tau: the clock.
        z: integral of the dual weights, shape (n,).
        weights: the dual weights.
        margins: margins in units of ``||u||_1``.
        node: what the integral of the time t knows here.
        h: length of step to try next.
        t: the time t.
        J: upper bound on ``int min(2, 2 c_n/||u||_1)`` so far.
    """

    tau: float
    z: Tensor
    weights: DualWeights
    margins: ScaledMargins
    node: Node
    h: float
    t: Time = START
    J: float = 0.0


class Stage(NamedTuple):
    """The dual weights of a stage and the margins that they lead to."""

    weights: DualWeights
    margins: ScaledMargins
