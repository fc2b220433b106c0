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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot.flow._objectives import Objective
from lowrot.flow._planes import Planes
from lowrot.flow.neuron import Drive, Neurons, Rates, Trajectory, growth, track

C1 = 1.0 / 3.0
"""The first Radau point; the second is 1."""
A = ((5.0 / 12.0, -1.0 / 12.0), (3.0 / 4.0, 1.0 / 4.0))
DEFECT = 4.0 / 27.0
"""Largest integral over a part of the step of (quadratic - linear), per value of it at 0."""
_ITERATIONS, _SWEEPS, _TIGHT, _LOOSE, _OFF, _NONSTIFF = 14, 2, 2e-2, 5e-2, 0.2, 0.1


@dataclass(frozen=True)
class State:
    """A network under its flow: neurons, outputs times signs, and the dual weights there."""

    neurons: Neurons
    p: Tensor
    weights: Any


@dataclass(frozen=True)
class Step:
    """A step tried.

    Attributes:
        stages: the states at both Radau points; None if the step could not be solved.
        error: local error in units of the tolerance.
        speeds: the objective's rate of change at both, ``||W'||^2`` in the metric of the rates.
        energy: its integral over the step, kinks resolved.
        iterations, kernels: what it cost.
        stiff: whether the kernels entered.
    """

    stages: tuple[State, State] | None
    error: float
    speeds: tuple[float, float]
    energy: float
    iterations: int
    kernels: int
    stiff: bool


class Collocation:
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

    def start(self, a: Tensor, V: Tensor, weights: Any = None) -> State:
        """The state of a network; pairs on a plane slide."""
        neurons = Neurons(a.clone(), V.contiguous().clone(), self.planes.sides(V))
        p = self.outputs(neurons)
        return State(neurons, p, self.objective.respond(p) if weights is None else weights)

    def outputs(self, neurons: Neurons) -> Tensor:
        """Outputs times signs, shape (n,)."""
        return self.objective.sign * self.planes.outputs(neurons.a, neurons.V)

    def kernel(self, neurons: Neurons) -> Tensor:
        """The kernel of the outputs times signs, shape (n, n)."""
        K = self.planes.kernel(neurons.a, neurons.V, neurons.S, self.rates)
        return self.signs * K

    def growth(self, state: State) -> float:
        """The largest rate at which a neuron grows."""
        w = self._signed(state.weights)
        drive = self.planes.drive(w, torch.zeros_like(w))
        return growth(state.neurons, drive, self.rates)

    def attempt(self, start: State, before: Any, ratio: float, h: float) -> Step:
        """Try a step of length h; ``before`` are the weights at the step before, h/ratio ago.

        The stage equations are solved by triangularly implicit iterations (van der Houwen and de
        Swart, SIAM J. Sci. Comput. 18, 1997) with the kernels at both stages; where the step is not
        stiff, by plain substitution.
        """
        objective, scale = self.objective, math.sqrt(_norm_squared(start.neurons))
        guess = [objective.predict(start.weights, before, c * ratio) for c in (C1, 1.0)]
        pull = self._pull(start)
        direction, size = objective.unit(start.p, start.weights)
        kernels, changes, stiff = 0, [math.inf], True
        for count in range(1, _ITERATIONS + 1):
            way = self._propagate(start.neurons, pull, guess, h)
            if way is None:
                return Step(None, math.inf, (0.0, 0.0), 0.0, count, kernels, stiff)
            states = way.states
            p = [self.outputs(neurons) for neurons in states]
            slow = changes[-1] > 0.2 * changes[-2] if count > 1 else True
            if slow or (count == 2 and changes[-1] > self.rtol):
                K = [self.kernel(neurons) for neurons in states]
                kernels += 2
                stiff = h * objective.stiffness(K[1], guess[1]) > _NONSTIFF
            new = self._solve(p, K, guess, h) if stiff else [objective.respond(out) for out in p]
            if new is None:
                return Step(None, math.inf, (0.0, 0.0), 0.0, count, kernels, stiff)
            d = [objective.vector(b) - objective.vector(a) for a, b in zip(guess, new)]
            shift = max(
                _size(h * (row[0] * d[0] + row[1] * d[1]), K[1], direction, size, scale)
                for row in A
            )
            moved = max(objective.difference(b, a) for a, b in zip(guess, new))
            guess = new
            changes.append(shift)
            if not math.isfinite(shift) or (count > 5 and changes[-1] > changes[-3]):
                return Step(None, math.inf, (0.0, 0.0), 0.0, count, kernels, stiff)
            left = changes[-1] / max(changes[-2], 1e-300) if count > 1 else 0.5
            left = min(0.9, max(0.05, left))
            off = max(objective.mismatch(out, one) for out, one in zip(p, new)) / size
            settled = left * shift <= _TIGHT * self.rtol and left * moved <= _LOOSE
            if settled and off <= _OFF * self.rtol:
                break
        else:
            return Step(None, math.inf, (0.0, 0.0), 0.0, count, kernels, stiff)
        stages = State(states[0], p[0], guess[0]), State(states[1], p[1], guess[1])
        q = [objective.vector(weights) for weights in (start.weights, *guess)]
        defect = DEFECT * h * (q[0] - 1.5 * q[1] + 0.5 * q[2])
        error = max(_size(defect, K[1], direction, size, scale), way.slip / size) / self.rtol
        return Step(stages, error, way.speeds, way.energy, count, kernels, stiff)

    def part(self, start: State, step: Step, h: float, share: float) -> Step | None:
        """A share of a step of length h, solved before: the neurons under the same weights.

        The estimate of the whole step bounds what any part of it neglects.
        """
        assert step.stages is not None
        known, at = [start.weights, *(stage.weights for stage in step.stages)], (0.0, C1, 1.0)
        goals = (C1 * share * h, share * h)
        drive = self._drive(known[1:], h)
        way = track(start.neurons, self._pull(start), drive, goals, self.rates)
        if way is None:
            return None
        ends = []
        for neurons, goal in zip(way.states, goals):
            k = 0 if goal <= C1 * h else 1
            between = (goal / h - at[k]) / (at[k + 1] - at[k])
            weights = self.objective.between(known[k], known[k + 1], between)
            ends.append(State(neurons, self.outputs(neurons), weights))
        return replace(step, stages=(ends[0], ends[1]), speeds=way.speeds, energy=way.energy)

    def _solve(
        self, p: Sequence[Tensor], K: Sequence[Tensor], guess: Sequence[Any], h: float
    ) -> list[Any] | None:
        """The weights at both stages, the outputs being linear in them with the given kernels.

        Neurons that stuck at the first point have forgotten the weights before it: so the first
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

    def _propagate(
        self, start: Neurons, pull: np.ndarray, weights: Sequence[Any], h: float
    ) -> Trajectory | None:
        """The neurons at both points under weights that are linear in time."""
        return track(start, pull, self._drive(weights, h), (C1 * h, h), self.rates)

    def _drive(self, weights: Sequence[Any], h: float) -> Drive:
        """The field of weights that are linear in time, given at both points."""
        w = [self._signed(one) for one in weights]
        rate = (w[1] - w[0]) / ((1.0 - C1) * h)
        return self.planes.drive(w[0] - C1 * h * rate, rate)

    def _pull(self, state: State) -> np.ndarray:
        """The jumps of the field at the planes, shape (N,)."""
        return self.planes.coefficients(self._signed(state.weights))[1].cpu().numpy()

    def _signed(self, weights: Any) -> Tensor:
        """The weights of the outputs, shape (n,)."""
        return self.objective.sign * self.objective.vector(weights)


def _norm_squared(neurons: Neurons) -> float:
    return float(neurons.a.square().sum() + neurons.V.square().sum())


def _size(dz: Tensor, K: Tensor, direction: Tensor, size: float, scale: float) -> float:
    """Relative change of W, or of the outputs in their unit, for a change of z: the larger."""
    Kd = K @ dz
    return max(math.sqrt(max(float(dz @ Kd), 0.0)) / scale, abs(float(direction @ Kd)) / size)
