"""The neurons of a network under given dual weights: their states, outputs and kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lowrot.flow._objectives import Objective
from lowrot.flow._planes import Planes
from lowrot.flow._rest import at_rest
from lowrot.flow._stages import C1
from lowrot.flow._step import FlowState, Step
from lowrot.flow.neuron import Drive, Held, Neurons, Rates, Tracker, Trajectory

_MOVED = 3e-2
"""Part of the tolerance that the rounding of the weights may move in a step."""
SCALES = 1e8
"""Longest step, in units of the time in which a neuron could move by its size."""
_AT_REST = 1e-2
"""Part of the tolerance by which the margins behind the weights may miss those of the neurons at
rest, where errors no longer die."""
WEIGHT = 2.0**-52
"""Rounding of the weights, relative to each."""
_ROUNDING = 2.0**-55
"""Rounding of a sum over neurons, relative to the largest that outputs of their size can be."""
_RUNAWAY = 1e40
"""A network larger by this than at the start ends an iteration: a neuron that turns into the field
of a long trial step, or of weights that diverge, grows by powers of e, and squares of what it does
overflow. No step that ends so is solved."""


class Dynamics:
    """What a step asks of the network.

    Args:
        planes: the hyperplanes of the data.
        objective: the objective.
        rates: eta_a and eta_V.
        rtol: local error allowed, relative to ``||W||`` and to the unit of the outputs.
    """

    def __init__(self, planes: Planes, objective: Objective, rates: Rates, rtol: float) -> None:
        self.planes, self.objective = planes.signed(np.asarray(objective.sign)), objective
        self.rates, self.rtol = rates, rtol
        self._lengths = np.abs(planes.c)
        self._tracked: Tracker | None = None

    def start(self, a: Any, V: Any, weights: Any = None) -> FlowState:
        """The state of a network; pairs on a plane slide where the plane holds them."""
        V = np.ascontiguousarray(V)
        neurons = Neurons.of(np.asarray(a), V, self.planes.sides(V), self.rates)
        return replace(self._seen(neurons, weights), kernel=self.kernel(neurons))

    def _seen(self, neurons: Neurons, weights: Any = None) -> FlowState:
        """The state of neurons, with the weights that their outputs ask for, or with others."""
        p = self.outputs(neurons)
        weights = self.objective.respond(p) if weights is None else weights
        return self._state(neurons, p, weights, self.objective.mismatch(p, weights))

    def _state(
        self,
        neurons: Neurons,
        p: np.ndarray,
        weights: Any,
        mismatch: float,
    ) -> FlowState:
        return FlowState(neurons, p, weights, mismatch / self.objective.unit(p, weights))

    def outputs(self, neurons: Neurons) -> np.ndarray:
        """Outputs times signs, shape (n,)."""
        return self.planes.outputs(neurons.a, neurons.V)

    def kernel(self, neurons: Neurons, held: Held | None = None) -> np.ndarray:
        """The kernel of the outputs times signs, shape (n, n)."""
        return self.planes.kernel(neurons.a, neurons.V, neurons.S, self.rates, held)

    def _kernels(
        self, trajectory: Trajectory, late: np.ndarray | None = None
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Those of both stages, and that by which what precedes the first acts on the second.

        That of the second stage may be known.
        """
        ends = list(zip(trajectory.states, trajectory.held))
        K = [self.kernel(*ends[0]), self.kernel(*ends[1]) if late is None else late]
        less, more = trajectory.forgotten
        if len(more[0]) == 0:
            return K, K[0]
        first, rate = trajectory.states[0], self.rates[1]
        forgotten = self.planes.difference(first, rate, less, more)
        return K, K[0] - forgotten

    def fastest_growth(self, state: FlowState) -> float:
        """The largest rate at which a neuron grows, or a bound on it."""
        return self._tracker(state).fastest_growth()

    def _field(self, state: FlowState) -> Drive:
        """That of the weights of a state."""
        w = self.objective.vector(state.weights)
        return self.planes.drive(w, np.zeros_like(w))

    def rounding(self, state: FlowState) -> float:
        """Rounding of the outputs: of sums over neurons, the largest that they can be."""
        return _ROUNDING * 0.5 * state.norm_squared * float(self._lengths.max())

    def longest(self, weights: Any) -> float:
        """The longest step in which the rounding of the weights does not show."""
        scales = min(SCALES, _MOVED * self.rtol / WEIGHT)
        return scales / max(self.fastest(weights), 1e-280)

    def fastest(self, weights: Any) -> float:
        """A bound on the rates at which neurons move under weights: ``sum_i | w_i | ||x_i||``."""
        return float(np.abs(self.objective.vector(weights)) @ self._lengths)

    def at_rest(self, state: FlowState) -> bool:
        """Whether the network stays where it is: its weights let it, and they are its own."""
        if state.mismatch > _AT_REST * self.rtol:
            return False
        objective, weights = self.objective, state.weights
        error = objective.rounding(weights, self.rounding(state))
        w, unit = objective.vector(weights), objective.unit(state.p, weights)
        return at_rest(self.planes, state.neurons, w, error, unit, self.rates)

    def within(
        self, start: FlowState, step: Step, h: float, times: tuple[float, float]
    ) -> tuple[tuple[FlowState, FlowState], tuple[float, float], float] | None:
        """States at two times on a step of length h, with their speeds, and the energy between."""
        assert step.stages is not None
        drive = self._drive([stage.weights for stage in step.stages], h)
        trajectory = self._tracker(start).follow(drive, times)
        if trajectory is None:
            return None
        first, second = (self._seen(neurons) for neurons in trajectory.states)
        return (first, second), trajectory.speeds, trajectory.energy

    def _follow(self, start: FlowState, weights: Sequence[Any], h: float) -> Trajectory | None:
        """The neurons at both points under weights linear in time; None if they run away."""
        found = self._tracker(start).follow(self._drive(weights, h), (C1 * h, h))
        if found is None or not found.size <= _RUNAWAY * math.sqrt(start.norm_squared):
            return None
        return found

    def _tracker(self, start: FlowState) -> Tracker:
        """Of the neurons of a state; that of the last one is kept."""
        if self._tracked is None or self._tracked.neurons is not start.neurons:
            self._tracked = Tracker(start.neurons, self._field(start), self.rates)
        return self._tracked

    def _drive(self, weights: Sequence[Any], h: float) -> Drive:
        """The field of weights that are linear in time, given at both points."""
        w = [self.objective.vector(one) for one in weights]
        rate = (w[1] - w[0]) / ((1.0 - C1) * h)
        return self.planes.drive(w[0] - C1 * h * rate, rate)
