"""Triangular sweeps over the equations of both stages of a step, compiled.

The first third of the step acts on the second stage through a kernel of its own, as neurons forget
it where planes hold them later. A sweep solves for the first stage, then for the second given the
first; each stage alone is a problem of its own, which depends on the objective.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowrot._jit import allocating, jit, part
from lowrot.integrate import NewtonProblem, NewtonWeights, System, solved, substitute

_SWEEPS = 3
"""Sweeps an iteration: more than one saves whole iterations."""


@part
def _add(x: np.ndarray, factor: float, y: np.ndarray) -> None:
    """Add a multiple of y to x."""
    for i in range(len(x)):
        x[i] += factor * y[i]


@allocating
def _reply(at: np.ndarray, kernel: np.ndarray, line: np.ndarray, changes: np.ndarray) -> None:
    """Add what a kernel answers to a part of the integral of the line through both changes."""
    z = np.empty(len(at))
    for i in range(len(z)):
        z[i] = line[0] * changes[0, i] + line[1] * changes[1, i]
    _add(at, 1.0, np.dot(kernel, z))


def _sweeping(solve: Any, vector: Any) -> Any:
    """Make the function that sweeps, of one that solves for a stage, and of the weights' vector.

    Args:
        solve: a function of the outputs, the weights to start from, what else the stage needs, and
            the accuracy; returns weights, and whether they are found.
        vector: a function that writes the vector of weights.
    """

    @allocating
    def stage(
        at: np.ndarray,
        weights: Any,
        solver: tuple,
        accuracy: float,
        base: np.ndarray,
        change: np.ndarray,
    ) -> tuple[Any, bool]:
        """Weights at one stage, whose change since the base is written; whether they are found."""
        weights, done = solve(at, weights, solver, accuracy)
        if done:
            vector(weights, change)
            _add(change, -1.0, base)
        return weights, done

    @allocating
    def sweep(
        p: tuple, guess: tuple, kernels: tuple, parts: np.ndarray, solvers: tuple, accuracy: float
    ) -> tuple[Any, Any, bool]:
        """Weights at both stages, and whether they are found: see `Stages.solve`.

        Parts are the integrals of the line through both stages over the first third, and the rest.
        """
        (first, second), n, done = guess, len(p[0]), True
        base, changes = np.empty((2, n)), np.zeros((2, n))
        vector(first, base[0])
        vector(second, base[1])
        for count in range(_SWEEPS):
            at = p[0].copy()
            if count:
                _reply(at, kernels[0], parts[0], changes)
            first, done = stage(at, first, solvers[0], accuracy, base[0], changes[0])
            if not done:
                break
            at = p[1].copy()
            _reply(at, kernels[1], parts[1], changes)
            _reply(at, kernels[2], parts[0], changes)
            second, done = stage(at, second, solvers[1], accuracy, base[1], changes[1])
            if not done:
                break
        return first, second, done

    return sweep


@part
def _dual_weights(weights: NewtonWeights, q: np.ndarray) -> None:
    """Write q."""
    for i in range(len(q)):
        q[i] = math.exp(weights.ln_q[i])


@allocating
def _solve_newton(
    p: np.ndarray, weights: NewtonWeights, solver: tuple, accuracy: float
) -> tuple[NewtonWeights, bool]:
    """Solve a stage of classification for ``p + curvature (q - q_guess)``."""
    origin = np.empty(len(p))
    _dual_weights(weights, origin)
    problem = NewtonProblem(p, solver[0], origin, 1.0, accuracy)
    return solved(problem, weights, System(*solver[1]))


@part
def _residuals(weights: np.ndarray, u: np.ndarray) -> None:
    """Write the weights of regression, which are minus the residuals."""
    for i in range(len(u)):
        u[i] = weights[i]


@allocating
def _solve_linear(
    f: np.ndarray, weights: np.ndarray, solver: tuple, accuracy: float
) -> tuple[np.ndarray, bool]:
    """Solve ``u = y - f - curvature (u - guess)``, with the factor of ``1 + curvature``."""
    u = solver[0].copy()
    _add(u, -1.0, f)
    _add(u, -1.0, weights)
    substitute(solver[1], u)
    _add(u, 1.0, weights)
    return u, True


_newton, _linear = _sweeping(_solve_newton, _dual_weights), _sweeping(_solve_linear, _residuals)


@jit
def sweep_newton(
    p: tuple, guess: tuple, kernels: tuple, parts: np.ndarray, solvers: tuple, accuracy: float
) -> tuple[tuple, tuple, bool]:
    """Sweep over the stages of classification.

    Weights are the fields of `NewtonWeights`; what a stage needs is the curvature, and the fields
    of a `System`.
    """
    weights = NewtonWeights(*guess[0]), NewtonWeights(*guess[1])
    first, second, done = _newton(p, weights, kernels, parts, solvers, accuracy)
    one = first.ln_q, first.excess, first.ln_lam
    return one, (second.ln_q, second.excess, second.ln_lam), done


@jit
def sweep_linear(
    p: tuple, guess: tuple, kernels: tuple, parts: np.ndarray, solvers: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """Sweep over the stages of regression; a stage needs the labels, and a factor, by rows."""
    first, second, _ = _linear(p, guess, kernels, parts, solvers, 0.0)
    return first, second
