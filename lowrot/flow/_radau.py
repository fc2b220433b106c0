"""One step of a flow, collocated in the dual weights.

Neurons see each other only through the n dual weights w(t). On a step these are linear in time,
through their values at the two Radau points 1/3 and 1; every neuron then follows its own equation,
in closed form between kinks; and the weights at the two points must be those of the outputs there.
With exact neurons this is the Radau IIA method of order 3 (stiffly accurate, L-stable) for smooth
weights. Source: chapter "How we follow a gradient flow"; Hairer and Wanner, Solving Ordinary
Differential Equations II, section IV.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from lowrot.flow._convergence import Changes, Unit
from lowrot.flow._objectives import Objective
from lowrot.flow._planes import Planes
from lowrot.flow._rest import at_rest
from lowrot.flow._stages import C1, LATE, A, Stages, Unstiff
from lowrot.flow._step import FlowState, Step, Work
from lowrot.flow.neuron import Drive, Held, Neurons, Rates, Tracker, Trajectory, fastest_growth

DEFECT = 4.0 / 27.0
"""Largest integral over a part of the step of (quadratic - linear), per value of it at 0."""
_ITERATIONS = 14
"""Most iterations on the stage equations; a step that needs more is better halved."""
_EXACT = 1e-4
"""Part of the tolerance, or of the motion where that is less, to which stages are solved for."""
_MISMATCH = 0.2
"""Part of the tolerance by which the margins behind the weights may miss those of the neurons."""
_MOVED = 3e-2
"""Part of the tolerance that the rounding of the weights may move in a step."""
SCALES = 1e8
"""Longest step, in units of the time in which a neuron could move by its size."""
_AT_REST = 1e-2
"""Part of it by which they may miss at rest, where errors no longer die."""
_WEIGHT = 2.0**-52
"""Rounding of the weights, relative to each."""
_ROUNDING = 2.0**-55
"""Rounding of a sum over neurons, relative to the largest that outputs of their size can be."""
_MANY = 96
"""Points from which on kernels cost more than an iteration: the first one goes by an older one."""
_RUNAWAY = 1e40
"""A network larger by this than at the start ends an iteration: a neuron that turns into the field
of a long trial step, or of weights that diverge, grows by powers of e, and squares of what it does
overflow. No step that ends so is solved."""
_NONSTIFF = 0.1
"""Below this product of step and stiffness plain substitution converges as fast."""


class Iterate(NamedTuple):
    """Neurons at both stages, their outputs, and the weights that these ask for."""

    trajectory: Trajectory
    p: Sequence[np.ndarray]
    weights: Sequence[Any]


class Radau:
    """Takes steps of a flow.

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
        return self._seen(neurons, weights)

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
        kernel: np.ndarray | None = None,
    ) -> FlowState:
        relative = mismatch / self.objective.unit(p, weights)
        return FlowState(neurons, p, weights, relative, kernel)

    def outputs(self, neurons: Neurons) -> np.ndarray:
        """Outputs times signs, shape (n,)."""
        return self.planes.outputs(neurons.a, neurons.V)

    def kernel(self, neurons: Neurons, held: Held | None = None) -> np.ndarray:
        """The kernel of the outputs times signs, shape (n, n)."""
        return self.planes.kernel(neurons.a, neurons.V, neurons.S, self.rates, held)

    def _kernels(
        self, trajectory: Trajectory, known: np.ndarray | None = None
    ) -> tuple[list[np.ndarray], np.ndarray, int]:
        """Those of both stages, that by which what precedes the first acts on the second, a count.

        For many points one that is known from nearby serves as all of them.
        """
        if known is not None and len(known) >= _MANY:
            return [known] * 2, known, 0
        K = [self.kernel(*end) for end in zip(trajectory.states, trajectory.held)]
        less, more = trajectory.forgotten
        if len(more[0]) == 0:
            return K, K[0], 2
        first, rate = trajectory.states[0], self.rates[1]
        forgotten = self.planes.difference(first.a, first.S, rate, less, more)
        return K, K[0] - forgotten, 2

    def fastest_growth(self, state: FlowState) -> float:
        """The largest rate at which a neuron grows."""
        return fastest_growth(state.neurons, self._field(state), self.rates)

    def _field(self, state: FlowState) -> Drive:
        """That of the weights of a state."""
        w = self.objective.vector(state.weights)
        return self.planes.drive(w, np.zeros_like(w))

    def rounding(self, state: FlowState) -> float:
        """Rounding of the outputs: of sums over neurons, the largest that they can be."""
        return _ROUNDING * 0.5 * state.norm_squared * float(self._lengths.max())

    def longest(self, weights: Any) -> float:
        """The longest step in which the rounding of the weights does not show."""
        scales = min(SCALES, _MOVED * self.rtol / _WEIGHT)
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

    def attempt(self, start: FlowState, before: Any, ratio: float, h: float) -> Step:
        """Try a step of length h; ``before`` are the weights at the step before, h/ratio ago.

        The stage equations are solved by triangularly implicit iterations (van der Houwen and de
        Swart, SIAM J. Sci. Comput. 18, 1997) with the kernels at both stages; where the step is not
        stiff, by plain substitution.
        """
        objective, stages = self.objective, None
        guess = [objective.predict(start.weights, before, c * ratio) for c in (C1, 1.0)]
        unit, changes, work = self._unit(start), Changes(), Work(0, 0, True)
        systems = [objective.system(len(start.p)) for _ in guess]
        for count in range(1, _ITERATIONS + 1):
            work = work._replace(iterations=count)
            trajectory = self._follow(start, guess, h)
            if trajectory is None:
                return Step.unsolved(work)
            p = [self.outputs(neurons) for neurons in trajectory.states]
            if stages is None or changes.slow or (count == 2 and changes.last > self.rtol):
                K, early, made = self._kernels(trajectory, start.kernel if count == 1 else None)
                stiff = h * objective.stiffness(K[1], guess[1]) > _NONSTIFF
                work = work._replace(kernels=work.kernels + made, stiff=stiff)
                accuracy = _EXACT * min(self.rtol, _motion(trajectory, unit, h)) * unit.size
                equations = objective, K, early, h, accuracy, systems
                stages = Stages.of(*equations) if stiff else Unstiff(objective, K)
            new = stages.solve(p, guess)
            if new is None:
                return Step.unsolved(work)
            changes.add(*self._change(guess, new, stages.K[1], unit, h))
            guess, now = new, Iterate(trajectory, p, new)
            if changes.diverge:
                return Step.unsolved(work)
            if (mismatches := self._solved(changes, now, unit, h)) is not None:
                return self._step(start, now, mismatches, stages.K, systems[1], unit, h, work)
        return Step.unsolved(work)

    def _solved(self, changes: Changes, now: Iterate, unit: Unit, h: float) -> list[float] | None:
        """By how much the weights miss both outputs if the stage equations hold, else None.

        They hold to parts of the tolerance.
        """
        motion = _motion(now.trajectory, unit, h)
        noise = unit.rounding + h * _WEIGHT * self.fastest(now.weights[1])
        if not changes.small(min(self.rtol, motion), noise):
            return None
        mismatches = list(map(self.objective.mismatch, now.p, now.weights))
        return mismatches if max(mismatches) <= _MISMATCH * self.rtol * unit.size else None

    def _step(
        self,
        start: FlowState,
        now: Iterate,
        mismatches: Sequence[float],
        K: Sequence[np.ndarray],
        system: Any,
        unit: Unit,
        h: float,
        work: Work,
    ) -> Step:
        """A step whose stage equations hold."""
        trajectory, p, weights = now
        first, second = map(self._state, trajectory.states, p, weights, mismatches, K)
        slopes = [one @ self.objective.vector(w) for one, w in zip(K, weights)]
        error = self._error(start, (first, second), K[1], system, unit, h) / self.rtol
        speeds, energy = trajectory.speeds, trajectory.energy
        return Step((first, second), error, speeds, energy, (slopes[0], slopes[1]), *work)

    def _unit(self, start: FlowState) -> Unit:
        """In what the errors of a step are measured."""
        objective, weights = self.objective, start.weights
        size = objective.unit(start.p, weights)
        of_outputs = np.full_like(start.p, self.rounding(start))
        rounding = objective.measure(of_outputs, weights) / size
        scale = math.sqrt(start.norm_squared)
        return Unit(lambda change: objective.measure(change, weights), size, scale, rounding)

    def _change(
        self, old: Sequence[Any], new: Sequence[Any], K: np.ndarray, unit: Unit, h: float
    ) -> tuple[float, float]:
        """By how much an iteration moved the stages, relatively: the network, and the weights."""
        objective = self.objective
        d = [objective.vector(b) - objective.vector(a) for a, b in zip(old, new)]
        shift = max(unit.relative(h * (row[0] * d[0] + row[1] * d[1]), K) for row in A)
        return shift, max(objective.difference(b, a) for a, b in zip(old, new))

    def _error(
        self,
        start: FlowState,
        stages: Sequence[FlowState],
        K: np.ndarray,
        system: Any,
        unit: Unit,
        h: float,
    ) -> float:
        """What taking the weights to be linear neglects, from the parabola through all three.

        Of what that pushes the neurons wrongly, stiff modes forget what they can within the step.
        """
        q = [self.objective.vector(state.weights) for state in (start, *stages)]
        wrong = DEFECT * h * (q[0] - 1.5 * q[1] + 0.5 * q[2])
        left = self.objective.relaxed(wrong, K, stages[1].weights, LATE * h, system)
        return unit.relative(left, K)

    def part(self, start: FlowState, step: Step, h: float, fraction: float) -> Step | None:
        """A fraction of a step of length h, solved before: the neurons under the same weights.

        The estimate of the whole step bounds what any part of it neglects.
        """
        found = self.within(start, step, h, (C1 * fraction * h, fraction * h))
        if found is None:
            return None
        states, speeds, energy = found
        return replace(step, stages=states, speeds=speeds, energy=energy, slopes=None)

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


def _motion(trajectory: Trajectory, unit: Unit, h: float) -> float:
    """A bound on the motion of the network over a step, relative to its size."""
    return math.sqrt(max(h * trajectory.energy, 0.0)) / unit.scale
