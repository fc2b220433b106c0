"""Where the run of a flow is, and what it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from lowrot.flow._step import FlowState, Step
from lowrot.flow.neuron import Rates
from lowrot.integrate import START, Node, Time
from lowrot.network import Network
from lowrot.path import End


@dataclass(frozen=True)
class Setting:
    """What a run follows: the start, the objective's name, the rates of the two layers, the data.

    ``data`` is the fingerprint of inputs and labels.
    """

    initial: Network
    kind: str
    rates: Rates
    rtol: float
    data: str


@dataclass(frozen=True, eq=False)
class FlowPoint:
    """A network under its flow at one time, with what the next step and the certificates need.

    Attributes:
        time: on the run's clock.
        state: neurons, outputs and dual weights.
        last: length of the step before; infinite before the first.
        h: length to try next.
        error: sum of the local error estimates so far.
        t: the time t, where the clock is tau.
        node: what the integral of t knows here; None before the first step.
        step: the step that led here; None at the start.
        defect: its second error estimate.
    """

    time: float
    state: FlowState
    last: float
    h: float
    error: float = 0.0
    t: Time = START
    node: Node | None = None
    step: Step | None = None
    defect: float = 0.0


class Untaken(NamedTuple):
    """Why no step is taken, with the point to go on from another time."""

    point: FlowPoint
    why: End
