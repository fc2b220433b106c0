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
from lowrot.flow._dynamics import WEIGHT, Dynamics
from lowrot.flow._stages import C1, LATE, A, Stages
from lowrot.flow._step import FlowState, Step, Work
from lowrot.flow.neuron import Trajectory

DEFECT = 4.0 / 27.0
"""Largest integral over a part of the step of (quadratic - linear), per value of it at 0."""
_ITERATIONS = 14
"""Most iterations on the stage equations; a step that needs more is better halved."""
_EXACT = 1e-4
"""Part of the tolerance, or of the motion where that is less, to which stages are solved for."""
_MISMATCH = 0.2
"""Part of the tolerance by which the margins behind the weights may miss those of the neurons."""
_GROWN = 0.7
"""Most that a kernel is taken to grow in a step, in its logarithm, before it is known."""
_LEAST = 1e-300
"""Least trace of a kernel that has a logarithm."""


class Problem(NamedTuple):
    """A step to be solved: where it starts, its length, the unit of errors, room of solvers."""

    start: FlowState
    h: float
    unit: Unit
    systems: Sequence[Any]


class Iterate(NamedTuple):
    """Neurons at both stages, their outputs, and the weights that these ask for.

    Attributes:
        changes: those of all iterations.
        mismatches: by how much the weights miss both outputs if the stage equations hold, else
            None.
    """

    trajectory: Trajectory
    p: Sequence[np.ndarray]
    weights: Sequence[Any]
    changes: Changes
    mismatches: Sequence[float] | None


class Radau(Dynamics):
    """Takes steps of a flow."""

    def attempt(self, start: FlowState, h: float) -> Step:
        """Try a step of length h.

        The stage equations are solved by triangularly implicit iterations (van der Houwen and de
        Swart, SIAM J. Sci. Comput. 18, 1997) with the kernels at both stages. The first guess is
        what they ask for with the kernel at the start, before any neuron moves, and that serves as
        long as iterations converge.
        """
        problem, work = self._problem(start, h), Work(0, 0)
        guess, equations = self._foreseen(problem)
        guess = guess or [start.weights] * 2
        changes, late, fresh = Changes(), None, False
        for count in range(1, _ITERATIONS + 1):
            work = work._replace(iterations=count)
            trajectory = self._follow(start, guess, h)
            if trajectory is None:
                break
            if late is None:
                late = self.kernel(trajectory.states[1], trajectory.held[1])
                work = work._replace(kernels=work.kernels + 1)
            p = [self.outputs(neurons) for neurons in trajectory.states]
            seen = trajectory, p, guess, changes
            near = fresh or self._mismatches(p, guess, problem.unit) is not None
            now = self._iterate(problem, equations, late, *seen) if near else None
            if now is None or (now.mismatches is None and (now.changes.slow or not fresh)):
                K, early = self._kernels(trajectory, None if fresh else late)
                equations, late = self._equations(problem, K, early), K[1]
                work = work._replace(kernels=work.kernels + 1 + fresh)
                fresh, now = True, self._iterate(problem, equations, late, *seen)
            if now is None:
                break
            guess, changes = now.weights, now.changes
            if now.mismatches is not None:
                slopes = equations.slopes(guess) if fresh else None
                return self._step(problem, now, late, slopes, work)
            if changes.diverge or changes.hopeless(self.rtol, _ITERATIONS - count):
                break
        return Step.unsolved(work)

    def foreseen_error(self, start: FlowState, h: float) -> float:
        """The error of a step of length h, in units of the tolerance, if its kernel stayed as is.

        Infinite where that has no solution.
        """
        problem = self._problem(start, h)
        weights, _ = self._foreseen(problem)
        assert start.kernel is not None
        return math.inf if weights is None else self._error(problem, weights, start.kernel)

    def _problem(self, start: FlowState, h: float) -> Problem:
        systems = [self.objective.system(len(start.p)) for _ in A]
        return Problem(start, h, self._unit(start), systems)

    def _foreseen(self, problem: Problem) -> tuple[Sequence[Any] | None, Stages]:
        """The weights at both stages by the kernel at the start alone, which grows as it did."""
        objective, (start, h, unit, _) = self.objective, problem
        guess, w = [start.weights] * 2, objective.vector(start.weights)
        assert start.kernel is not None
        grown = [min(max(c * h * start.growth, -_GROWN), _GROWN) for c in (C1, 1.0)]
        K, answer = [math.exp(one) * start.kernel for one in grown], start.kernel @ w
        equations = self._equations(problem, K, K[0])
        p = [start.p + h * one * answer for one in np.exp(grown) @ np.transpose(A)]
        return equations.solve(p, guess, _EXACT * self.rtol * unit.size), equations

    def _equations(self, problem: Problem, K: Sequence[np.ndarray], early: np.ndarray) -> Stages:
        """Those of both stages for given kernels."""
        return Stages.of(self.objective, K, early, problem.h, problem.systems)

    def _iterate(
        self,
        problem: Problem,
        equations: Stages,
        late: np.ndarray,
        trajectory: Trajectory,
        p: Sequence[np.ndarray],
        guess: Sequence[Any],
        changes: Changes,
    ) -> Iterate | None:
        """Ask the equations for weights at both stages; None where they have none.

        What that changes is measured by the kernel at the second stage.
        """
        _, h, unit, _ = problem
        motion = _motion(trajectory, unit, h)
        new = equations.solve(p, guess, _EXACT * min(self.rtol, motion) * unit.size)
        if new is None:
            return None
        changes = changes.then(*self._change(guess, new, late, unit, h))
        noise, mismatches = unit.rounding + h * WEIGHT * self.fastest(new[1]), None
        if changes.small(min(self.rtol, motion), noise):
            mismatches = self._mismatches(p, new, unit)
        return Iterate(trajectory, p, new, changes, mismatches)

    def _mismatches(
        self, p: Sequence[np.ndarray], weights: Sequence[Any], unit: Unit
    ) -> Sequence[float] | None:
        """By how much weights miss the outputs at both stages; None if it is too much."""
        found = list(map(self.objective.mismatch, p, weights))
        return found if max(found) <= _MISMATCH * self.rtol * unit.size else None

    def _step(
        self,
        problem: Problem,
        now: Iterate,
        late: np.ndarray,
        slopes: tuple[np.ndarray, np.ndarray] | None,
        work: Work,
    ) -> Step:
        """A step whose stage equations hold, with the kernel at its end."""
        start, h, _, _ = problem
        trajectory, p, weights, _, mismatches = now
        assert mismatches is not None
        assert start.kernel is not None
        traces = (max(float(one.trace()), _LEAST) for one in (late, start.kernel))
        growth = math.log(next(traces) / next(traces)) / h
        first, second = map(self._state, trajectory.states, p, weights, mismatches)
        second = replace(second, kernel=late, growth=growth)
        error = self._error(problem, weights, late)
        speeds, energy = trajectory.speeds, trajectory.energy
        return Step((first, second), error, speeds, energy, slopes, *work)

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
        shift = max(unit.relative(dz, K) for dz in np.multiply(h, A) @ d)
        return shift, max(objective.difference(b, a) for a, b in zip(old, new))

    def _error(self, problem: Problem, weights: Sequence[Any], K: np.ndarray) -> float:
        """What taking the weights to be linear neglects, from the parabola through all three.

        In units of the tolerance. Of what that pushes the neurons wrongly, stiff modes forget what
        they can within the step.
        """
        start, h, unit, _ = problem
        q = [self.objective.vector(one) for one in (start.weights, *weights)]
        wrong = DEFECT * h * (q[0] - 1.5 * q[1] + 0.5 * q[2])
        left = self.objective.relaxed(wrong, K, weights[1], LATE * h)
        return unit.relative(left, K) / self.rtol

    def part(self, start: FlowState, step: Step, h: float, fraction: float) -> Step | None:
        """A fraction of a step of length h, solved before: the neurons under the same weights.

        The estimate of the whole step bounds what any part of it neglects.
        """
        found = self.within(start, step, h, (C1 * fraction * h, fraction * h))
        if found is None:
            return None
        states, speeds, energy = found
        assert step.stages is not None
        last = step.stages[1]
        states = states[0], replace(states[1], kernel=last.kernel, growth=last.growth)
        return replace(step, stages=states, speeds=speeds, energy=energy, slopes=None)


def _motion(trajectory: Trajectory, unit: Unit, h: float) -> float:
    """A bound on the motion of the network over a step, relative to its size."""
    return math.sqrt(max(h * trajectory.energy, 0.0)) / unit.scale
