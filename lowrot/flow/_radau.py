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
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lowrot.flow._convergence import Changes, Unit
from lowrot.flow._objectives import Objective
from lowrot.flow._planes import Planes
from lowrot.flow._rest import at_rest
from lowrot.flow.neuron import Drive, Neurons, Rates, Trajectory, fastest_growth, track

C1 = 1.0 / 3.0
"""The first Radau point; the second is 1."""
A = ((5.0 / 12.0, -1.0 / 12.0), (3.0 / 4.0, 1.0 / 4.0))
DEFECT = 4.0 / 27.0
"""Largest integral over a part of the step of (quadratic - linear), per value of it at 0."""
_ITERATIONS = 14
"""Most iterations on the stage equations; a step that needs more is better halved."""
_SWEEPS = 2
"""Triangular sweeps over both stages an iteration: a second one saves whole iterations."""
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
_NONSTIFF = 0.1
"""Below this product of step and stiffness plain substitution converges as fast."""


@dataclass(frozen=True, eq=False)
class FlowState:
    """A network under its flow.

    Attributes:
        neurons: the network.
        p: outputs times signs, shape (n,).
        weights: the dual weights.
        mismatch: by how much they miss those of the outputs, relatively.
    """

    neurons: Neurons
    p: Tensor
    weights: Any
    mismatch: float

    @property
    def norm_squared(self) -> float:
        """``||W||^2``."""
        return float(self.neurons.a.square().sum() + self.neurons.V.square().sum())


class Work(NamedTuple):
    """What a step cost, and whether the kernels entered."""

    iterations: int
    kernels: int
    stiff: bool


@dataclass(frozen=True, eq=False)
class Step:
    """A step tried.

    Attributes:
        stages: the states at both Radau points; None if the step could not be solved.
        error: local error in units of the tolerance.
        speeds: the objective's rate of change at both, ``||W'||^2`` in the metric of the rates.
        energy: its integral over the step, kinks resolved.
        slopes: derivatives of the outputs times signs at both stages; None for a part of a step.
        iterations, kernels: what it cost.
        stiff: whether the kernels entered.
    """

    stages: tuple[FlowState, FlowState] | None
    error: float
    speeds: tuple[float, float]
    energy: float
    slopes: tuple[Tensor, Tensor] | None
    iterations: int
    kernels: int
    stiff: bool

    @classmethod
    def unsolved(cls, work: Work) -> Step:
        """A step whose stage equations were not solved."""
        return cls(None, math.inf, (0.0, 0.0), 0.0, None, *work)


class Radau:
    """Takes steps of a flow.

    Args:
        planes: the hyperplanes of the data.
        objective: the objective.
        rates: eta_a and eta_V.
        rtol: local error allowed, relative to ``||W||`` and to the unit of the outputs.
    """

    def __init__(self, planes: Planes, objective: Objective, rates: Rates, rtol: float) -> None:
        self.planes, self.objective, self.rates, self.rtol = planes, objective, rates, rtol
        self.signs = torch.outer(objective.sign, objective.sign)

    def start(self, a: Tensor, V: Tensor, weights: Any = None) -> FlowState:
        """The state of a network; pairs on a plane slide where the plane holds them."""
        V = V.contiguous()
        neurons = Neurons.of(a.clone(), V.clone(), self.planes.sides(V), self.rates)
        return self._seen(neurons, weights)

    def _seen(self, neurons: Neurons, weights: Any = None) -> FlowState:
        """The state of neurons, with the weights that their outputs ask for, or with others."""
        p = self.outputs(neurons)
        return self._state(neurons, p, self.objective.respond(p) if weights is None else weights)

    def _state(self, neurons: Neurons, p: Tensor, weights: Any) -> FlowState:
        mismatch = self.objective.mismatch(p, weights) / self.objective.unit(p, weights)
        return FlowState(neurons, p, weights, mismatch)

    def outputs(self, neurons: Neurons) -> Tensor:
        """Outputs times signs, shape (n,)."""
        return self.objective.sign * self.planes.outputs(neurons.a, neurons.V)

    def kernel(self, neurons: Neurons) -> Tensor:
        """The kernel of the outputs times signs, shape (n, n)."""
        K = self.planes.kernel(neurons.a, neurons.V, neurons.S, self.rates)
        return self.signs * K

    def fastest_growth(self, state: FlowState) -> float:
        """The largest rate at which a neuron grows."""
        w = self._signed(state.weights)
        drive = self.planes.drive(w, torch.zeros_like(w))
        return fastest_growth(state.neurons, drive, self.rates)

    def rounding(self, state: FlowState) -> float:
        """Rounding of the outputs: of sums over neurons, the largest that they can be."""
        return _ROUNDING * 0.5 * state.norm_squared * float(self.planes.c.abs().max())

    def longest(self, weights: Any) -> float:
        """The longest step in which the rounding of the weights does not show."""
        scales = min(SCALES, _MOVED * self.rtol / _WEIGHT)
        return scales / max(self.fastest(weights), 1e-280)

    def fastest(self, weights: Any) -> float:
        """A bound on the rates at which neurons move under weights: ``sum_i | w_i | ||x_i||``."""
        return float(self.objective.vector(weights).abs() @ self.planes.c.abs())

    def at_rest(self, state: FlowState) -> bool:
        """Whether the network stays where it is: its weights let it, and they are its own."""
        if state.mismatch > _AT_REST * self.rtol:
            return False
        objective, weights = self.objective, state.weights
        error = objective.rounding(weights, self.rounding(state))
        unit = objective.unit(state.p, weights)
        return at_rest(self.planes, state.neurons, self._signed(weights), error, unit, self.rates)

    def attempt(self, start: FlowState, before: Any, ratio: float, h: float) -> Step:
        """Try a step of length h; ``before`` are the weights at the step before, h/ratio ago.

        The stage equations are solved by triangularly implicit iterations (van der Houwen and de
        Swart, SIAM J. Sci. Comput. 18, 1997) with the kernels at both stages; where the step is not
        stiff, by plain substitution.
        """
        objective, K = self.objective, []
        guess = [objective.predict(start.weights, before, c * ratio) for c in (C1, 1.0)]
        unit = self._unit(start)
        changes, work = Changes(), Work(0, 0, True)
        for count in range(1, _ITERATIONS + 1):
            work = work._replace(iterations=count)
            trajectory = self._follow(start, guess, h)
            if trajectory is None:
                return Step.unsolved(work)
            p = [self.outputs(neurons) for neurons in trajectory.states]
            if changes.slow or (count == 2 and changes.last > self.rtol):
                K = [self.kernel(neurons) for neurons in trajectory.states]
                stiff = h * objective.stiffness(K[1], guess[1]) > _NONSTIFF
                work = work._replace(kernels=work.kernels + 2, stiff=stiff)
            new = self._solve(p, K, guess, h) if work.stiff else [objective.respond(f) for f in p]
            if new is None:
                return Step.unsolved(work)
            changes.add(*self._change(guess, new, K[1], unit, h))
            guess = new
            if changes.diverge:
                return Step.unsolved(work)
            mismatch = max(objective.mismatch(f, one) for f, one in zip(p, new)) / unit.size
            motion = math.sqrt(max(h * trajectory.energy, 0.0)) / unit.scale
            noise = unit.rounding + h * _WEIGHT * self.fastest(guess[1])
            solved = changes.small(min(self.rtol, motion), noise)
            if solved and mismatch <= _MISMATCH * self.rtol:
                stages = [self._state(*stage) for stage in zip(trajectory.states, p, guess)]
                error = self._error(start, stages, K[1], unit, h) / self.rtol
                speeds, energy = trajectory.speeds, trajectory.energy
                first, second = (one @ objective.vector(w) for one, w in zip(K, guess))
                return Step((stages[0], stages[1]), error, speeds, energy, (first, second), *work)
        return Step.unsolved(work)

    def _unit(self, start: FlowState) -> Unit:
        """In what the errors of a step are measured."""
        objective, weights = self.objective, start.weights
        size = objective.unit(start.p, weights)
        of_outputs = torch.full_like(start.p, self.rounding(start))
        rounding = objective.measure(of_outputs, weights) / size
        scale = math.sqrt(start.norm_squared)
        return Unit(lambda change: objective.measure(change, weights), size, scale, rounding)

    def _change(
        self, old: Sequence[Any], new: Sequence[Any], K: Tensor, unit: Unit, h: float
    ) -> tuple[float, float]:
        """By how much an iteration moved the stages, relatively: the network, and the weights."""
        objective = self.objective
        d = [objective.vector(b) - objective.vector(a) for a, b in zip(old, new)]
        shift = max(unit.relative(h * (row[0] * d[0] + row[1] * d[1]), K) for row in A)
        return shift, max(objective.difference(b, a) for a, b in zip(old, new))

    def _error(
        self, start: FlowState, stages: Sequence[FlowState], K: Tensor, unit: Unit, h: float
    ) -> float:
        """What taking the weights to be linear neglects, from the parabola through all three."""
        q = [self.objective.vector(state.weights) for state in (start, *stages)]
        return unit.relative(DEFECT * h * (q[0] - 1.5 * q[1] + 0.5 * q[2]), K)

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
        trajectory = track(start.neurons, drive, times, self.rates)
        if trajectory is None:
            return None
        first, second = (self._seen(neurons) for neurons in trajectory.states)
        return (first, second), trajectory.speeds, trajectory.energy

    def _solve(
        self, p: Sequence[Tensor], K: Sequence[Tensor], guess: Sequence[Any], h: float
    ) -> list[Any] | None:
        """The weights at both stages, the outputs being linear in them with the given kernels.

        Neurons that slide at the first point have forgotten the weights before it: so the first
        third of the step acts on the second stage through the kernel of the first. Triangular
        sweeps: the first stage, then the second given the first.
        """
        objective, base = self.objective, [self.objective.vector(one) for one in guess]
        new = list(guess)
        for _ in range(_SWEEPS):
            q = [objective.vector(one) for one in new]
            d = [one - other for one, other in zip(q, base)]
            early = h * (K[0] @ (A[0][0] * d[0] + A[0][1] * d[1]))
            late = h * (K[1] @ ((A[1][0] - A[0][0]) * d[0] + (A[1][1] - A[0][1]) * d[1]))
            first = objective.solve(p[0] + early, A[0][0] * h * K[0], new[0])
            if first is None:
                return None
            e = objective.vector(first) - q[0]
            shift = h * (A[0][0] * (K[0] @ e) + (A[1][0] - A[0][0]) * (K[1] @ e))
            second = objective.solve(p[1] + early + late + shift, 0.4 * h * K[1], new[1])
            if second is None:
                return None
            new = [first, second]
        return new

    def _follow(self, start: FlowState, weights: Sequence[Any], h: float) -> Trajectory | None:
        """The neurons at both points under weights that are linear in time."""
        return track(start.neurons, self._drive(weights, h), (C1 * h, h), self.rates)

    def _drive(self, weights: Sequence[Any], h: float) -> Drive:
        """The field of weights that are linear in time, given at both points."""
        w = [self._signed(one) for one in weights]
        rate = (w[1] - w[0]) / ((1.0 - C1) * h)
        return self.planes.drive(w[0] - C1 * h * rate, rate)

    def _signed(self, weights: Any) -> Tensor:
        """The weights of the outputs, shape (n,)."""
        return self.objective.sign * self.objective.vector(weights)
