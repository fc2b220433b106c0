"""The implicit step in q: dual weights that are those of the margins they lead to.

For a convex potential F with ``p = grad F``, an implicit step of length ``eta`` in the clock tau
from z0 asks for

    q = softmax(-p(z0 + eta q))                                   (exponential loss),
    q_i Lam = sigmoid(-p_i(z0 + eta q)),   sum_i q_i = 1          (logistic loss).

The first is the minimum over the simplex of the strictly convex ``F(z0 + eta q)/eta + sum q ln q``
(chapter "No rotation"). The unknowns are ``ln q``, so that weights far below the smallest double
stay meaningful, and ``ln Lam``; everything is measured in units of the scale of F.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from lowrot.integrate import DualWeights, Model

__all__ = ["DualWeights", "Evaluate", "Near", "ScaledMargins", "Solution", "implicit_weights"]

TEMPERATURE_FLOOR = 1e-10
"""Once 1/||u||_1 is below this, doubles no longer resolve the entropy against F: the weights are
then those of ``ln F / 2`` with the entropy times this floor (still convex; margins relative to
||u||_1 change by at most the floor times ln(1/q))."""

_EVALUATIONS = 40
"""Most evaluations of the margins for a step (a dozen are many)."""
_SHORTENED = 8
"""A step may be halved so often on the way to its solution."""
_SHORTEST, _BACKTRACK, _DECREASE = 1e-4, 0.3, 1e-4
"""Line search: the shortest step, the factor between two, the decrease asked for (Armijo)."""
_FAST = 0.1
"""A residual that falls by this factor does not need a new curvature."""
_SAMPLED = 0.5
"""Where a new curvature gains less than this, the sampled one is not good enough."""
_ROUNDING = 2e-15
"""Rounding of margins relative to ||u||_1, for each unit of the clock: ln u_j is a sum over z."""


@dataclass(frozen=True, eq=False)
class ScaledMargins:
    """Margins at one z, divided by ``exp(ln_scale)``, and their curvature on demand.

    Args:
        ln_scale: ln of the unit in which the others are measured.
        p: ``p exp(-ln_scale)``, shape (n,).
        ln_growth: the largest ``ln |u_j| - ln |u_j(0)|``.
        hessian: a function of ``centred`` and ``exact``: ``(dp/dz) exp(-ln_scale)``, or the
            derivative in z of ``p exp(-ln_scale)``, shape (n, n), positive semidefinite; not
            exact, it may come from a sample of the neurons.
        slopes: a function of z', the derivative of the margins in units of ``exp(ln_scale)``.
        complete: whether every neuron entered, or only those that matter nearby.
    """

    ln_scale: float
    p: Tensor
    ln_growth: float
    hessian: Callable[[bool, bool], Tensor]
    slopes: Callable[[Tensor], Tensor]
    complete: bool = True


Evaluate = Callable[[Tensor], ScaledMargins]
Near = Callable[[Tensor], tuple[ScaledMargins, Evaluate]]


@dataclass(frozen=True, eq=False)
class Solution:
    """The result of an implicit step: weights, the margins there, whether it was solved."""

    weights: DualWeights
    margins: ScaledMargins
    converged: bool


def implicit_weights(near: Near, z0: Tensor, eta: float, guess: DualWeights) -> Solution:
    """Solve the implicit step of length ``eta`` (clock tau) from ``z0``, starting at ``guess``.

    A step too long for the guess is solved by way of shorter ones from the same point.

    Args:
        near: margins at a point, and a cheaper function for points nearby; the result is always
            checked with the former.
        z0: start of the step, shape (n,).
        eta: its length.
        guess: weights to start from, which know the loss.
    """
    solution, shortened = _Newton(near, z0, eta, guess).solve(), 0
    while not solution.converged and shortened < _SHORTENED:
        shortened += 1
        solution = _Newton(near, z0, eta / 2.0**shortened, guess).solve()
    while solution.converged and shortened > 0:
        shortened -= 1
        solution = _Newton(near, z0, eta / 2.0**shortened, solution.weights).solve()
    return solution


class _Newton:
    """Newton's method on the margins alone.

    Each iteration solves the step for their linear model, entropy and all, without an evaluation,
    so that what remains of the residual is the error of the model. Where that does not reduce the
    residual, only a part of it is asked to vanish.
    """

    def __init__(self, near: Near, z0: Tensor, eta: float, guess: DualWeights) -> None:
        self.near, self.z0, self.eta = near, z0, eta
        self.weights, self.evaluations = guess, 1
        self.margins, self.evaluate = near(z0 + eta * guess.q)
        rounding = _ROUNDING * (1.0 + float(z0.sum()) + eta)
        self.problem = _Problem(eta, self.margins.ln_scale, rounding)
        self.residual = self.problem.residual(guess, self.margins)
        self.curvature: Tensor | None = None
        self.exact = False

    def solve(self) -> Solution:
        """Iterate until the residual is small with every neuron, or no progress is made."""
        while self.evaluations < _EVALUATIONS:
            if self.problem.solved(self.residual):
                if self.margins.complete:
                    return Solution(self.weights, self.margins, True)
                self.complete()
                continue
            fresh, before = self.curvature is None, float(self.residual.norm())
            if self.curvature is None:
                self.curvature = self.problem.curvature(self.margins, self.exact)
            if not self.search(self.curvature, fresh, before):
                break
            if not self.renew(fresh, float(self.residual.norm()) / before):
                break
        return Solution(self.weights, self.margins, False)

    def complete(self) -> None:
        """Evaluate with every neuron what was solved with those that matter nearby."""
        self.margins, self.evaluate = self.near(self.z0 + self.eta * self.weights.q)
        self.residual = self.problem.residual(self.weights, self.margins)
        self.evaluations += 1

    def search(self, curvature: Tensor, fresh: bool, before: float) -> bool:
        """Shorten the step until the residual falls; False if even the model cannot be solved."""
        length, aim = 1.0, self.problem.margins(self.margins)
        while length > _SHORTEST and self.evaluations < _EVALUATIONS:
            asked = aim - (1.0 - length) * self.residual
            model = Model(asked, curvature, self.weights.q, self.problem.temperature)
            trial = model.solve(self.weights)
            if trial is None and fresh:
                return False
            if trial is not None:
                margins = self.evaluate(self.z0 + self.eta * trial.q)
                residual = self.problem.residual(trial, margins)
                self.evaluations += 1
                if float(residual.norm()) <= (1.0 - _DECREASE * length) * before:
                    self.weights, self.margins, self.residual = trial, margins, residual
                    break
            if not fresh:
                break
            length *= _BACKTRACK
        return True

    def renew(self, fresh: bool, ratio: float) -> bool:
        """Keep the curvature while the residual falls fast; False once nothing helps."""
        slow = ratio > _FAST
        if slow and fresh:
            if self.exact and not ratio < 1.0:
                return False
            self.exact = self.exact or ratio > _SAMPLED
        if slow:
            self.curvature = None
        return True


class _Problem:
    """Residual and curvature of one implicit step.

    Above the temperature floor the unit is exp(shift), the norm at the predicted point; below it
    the unit is the norm itself, whose logarithm is convex too.
    """

    def __init__(self, eta: float, shift: float, rounding: float) -> None:
        self.eta, self.shift = eta, max(shift, 0.0)
        self.rounding, floor = rounding, max(TEMPERATURE_FLOOR, 16.0 * rounding)
        self.floored = self.shift > -math.log(floor)
        self.temperature = floor if self.floored else math.exp(-self.shift)

    def _unit(self, margins: ScaledMargins) -> float:
        return 1.0 if self.floored else math.exp(min(margins.ln_scale - self.shift, 600.0))

    def residual(self, weights: DualWeights, margins: ScaledMargins) -> Tensor:
        """``p - p(q, Lam)``: zero where the weights are those of the margins, shape (n,)."""
        return self.margins(margins) + self.temperature * weights.logit

    def margins(self, margins: ScaledMargins) -> Tensor:
        """The margins in the unit of the problem, shape (n,)."""
        return margins.p * self._unit(margins)

    def curvature(self, margins: ScaledMargins, exact: bool) -> Tensor:
        """Derivative of `margins` in q, shape (n, n), positive semidefinite."""
        return self.eta * self._unit(margins) * margins.hessian(self.floored, exact)

    def solved(self, residual: Tensor) -> bool:
        """Whether the residual is far below the temperature, or at the level of rounding."""
        return float(residual.abs().max()) <= 1e-6 * self.temperature + self.rounding
