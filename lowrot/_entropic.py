"""The implicit step in q: dual weights that are those of the margins they lead to.

For a convex potential F with ``p = grad F``, an implicit step of length ``eta`` in the clock tau
from z0 asks for

    q = softmax(-p(z0 + eta q))                                   (exponential loss),
    q_i Lam = sigmoid(-p_i(z0 + eta q)),   sum_i q_i = 1          (logistic loss).

The first is the minimum over the simplex of the strictly convex ``F(z0 + eta q)/eta + sum q ln q``
(theory.md section 8). Newton's method runs on ``ln q``, so that weights far below the smallest
double stay meaningful, and on ``ln Lam``; everything is measured in units of the scale of F.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

TEMPERATURE_FLOOR = 1e-10
"""Once 1/||u||_1 is below this, doubles no longer resolve the entropy against F: the weights are
then those of ``ln F / 2`` with the entropy times this floor (still convex; margins relative to
||u||_1 change by at most the floor times ln(1/q))."""

_FIRST_TRY, _MAX_NEWTON = 8, 25
_STALLED = 1e-12
_TINY = 1e-8


@dataclass(frozen=True)
class Margins:
    """Margins at one z, divided by ``exp(ln_scale)``, and their curvature on demand.

    Args:
        ln_scale: ln of the unit in which the others are measured.
        p: ``p exp(-ln_scale)``, shape (n,).
        hessian: a function that returns ``(dp/dz) exp(-ln_scale)``, shape (n, n).
    """

    ln_scale: float
    p: Tensor
    hessian: Callable[[], Tensor]


@dataclass(frozen=True)
class Weights:
    """Dual weights: ``ln q_i``, shape (n,), and ``ln Lam``."""

    ln_q: Tensor
    ln_lam: float

    @property
    def q(self) -> Tensor:
        """The point of the simplex, shape (n,)."""
        return self.ln_q.exp()


@dataclass(frozen=True)
class Solution:
    """The result of an implicit step: weights, the margins there, whether Newton converged."""

    weights: Weights
    margins: Margins
    converged: bool
    evaluations: int


def implicit_weights(
    evaluate: Callable[[Tensor], Margins], z0: Tensor, eta: float, guess: Weights, loss: str
) -> Solution:
    """Solve the implicit step of length ``eta`` (clock tau) from ``z0``, starting at ``guess``.

    Newton's method from the guess; where the set of active points changes so much that it
    stalls, an interior-point method (log barrier) finds the active points first.
    """
    first = evaluate(z0 + eta * guess.q)
    problem = _Problem(eta, first.ln_scale, loss)
    solution = _newton(evaluate, z0, problem, guess, first, _FIRST_TRY)
    if solution.converged:
        return solution
    weights, margins, used = _interior(evaluate, z0, problem, guess)
    again = _newton(evaluate, z0, problem, weights, margins, _MAX_NEWTON)
    return replace(again, evaluations=solution.evaluations + used + again.evaluations)


def _interior(
    evaluate: Callable[[Tensor], Margins], z0: Tensor, problem: _Problem, guess: Weights
) -> tuple[Weights, Margins, int]:
    """Primal-dual interior-point steps on the implicit step, with slacks s of q >= 0."""
    ln_q = guess.ln_q.clamp_min(math.log(1e-4))
    q = (ln_q - torch.logsumexp(ln_q, 0)).exp()
    margins, used, temperature = evaluate(z0 + problem.eta * q), 1, problem.temperature
    force, curvature = problem.force(margins), problem.curvature(margins)
    slack = (force - force.min()).clamp_min(1e-2 * float(force.abs().max()))
    while used < _MAX_NEWTON:
        gap = float(q @ slack)
        if gap <= 0.1 * temperature:
            break
        barrier = 0.1 * gap / len(q)
        matrix = curvature + torch.diag((slack + temperature) / q)
        right = torch.stack([barrier / q - force - temperature * q.log(), torch.ones_like(q)], 1)
        factor, info = torch.linalg.cholesky_ex(matrix)
        if int(info):
            break
        solved = torch.cholesky_solve(right, factor)
        step = solved[:, 0] - solved[:, 1] * (solved[:, 0].sum() / solved[:, 1].sum())
        slack_step = barrier / q - slack - slack / q * step
        length = min(1.0, 0.95 * min(_room(q, step), _room(slack, slack_step)))
        q, slack = q + length * step, slack + length * slack_step
        margins, used = evaluate(z0 + problem.eta * q), used + 1
        force, curvature = problem.force(margins), problem.curvature(margins)
    ln_q = torch.where(q * temperature > slack * 1e-3, q.log(), -slack / temperature)
    weights = Weights(ln_q - torch.logsumexp(ln_q, 0), guess.ln_lam)
    return weights, evaluate(z0 + problem.eta * weights.q), used + 1


def _room(x: Tensor, step: Tensor) -> float:
    """Largest multiple of the step that keeps x nonnegative."""
    return 1.0 / max(float((-step / x).max()), 1e-300)


def _newton(
    evaluate: Callable[[Tensor], Margins],
    z0: Tensor,
    problem: _Problem,
    weights: Weights,
    margins: Margins,
    most: int,
) -> Solution:
    """Damped Newton on ln q and ln Lam until the residual is at rounding or it stalls."""
    residual, used, fresh = problem.residual(weights, margins), 1, True
    while used < most:
        # The curvature is the costly part: it is kept while the residual falls fast without it.
        if fresh:
            curvature = problem.curvature(margins)
            entry = problem.entry(curvature)
        direction, lam_direction = problem.newton(weights, curvature, residual)
        if not bool(torch.isfinite(direction).all()):
            break
        merit, length = float(residual.square().sum()), 1.0
        while used < most:
            trial = _move(weights, direction, lam_direction, length, entry)
            change = float((trial.q - weights.q).abs().sum())
            trial_margins = evaluate(z0 + problem.eta * trial.q)
            trial_residual = problem.residual(trial, trial_margins)
            used += 1
            if float(trial_residual.square().sum()) <= (1 - 1e-4 * length) * merit:
                break
            if change <= _STALLED or length < 1e-3:
                return Solution(weights, margins, problem.solved(residual), used)
            length /= 2
        weights, margins, residual = trial, trial_margins, trial_residual
        fresh = float(residual.square().sum()) > 0.01 * merit
        if problem.solved(residual):
            break
    return Solution(weights, margins, problem.solved(residual), used)


class _Problem:
    """Residual and Newton direction of one implicit step.

    Above the temperature floor the unit is exp(shift), the norm at the predicted point; below it
    the unit is the norm itself, whose logarithm is convex too.
    """

    def __init__(self, eta: float, shift: float, loss: str) -> None:
        self.eta, self.shift, self.logistic = eta, max(shift, 0.0), loss == "logistic"
        self.floored = self.shift > -math.log(TEMPERATURE_FLOOR)
        self.temperature = TEMPERATURE_FLOOR if self.floored else math.exp(-self.shift)

    def _unit(self, margins: Margins) -> float:
        return 1.0 if self.floored else math.exp(min(margins.ln_scale - self.shift, 600.0))

    def residual(self, weights: Weights, margins: Margins) -> Tensor:
        """``p - p(q, Lam)``: zero where the weights are those of the margins, shape (n,)."""
        log_share = weights.ln_q + weights.ln_lam
        if self.logistic:
            log_share = log_share - torch.log1p(-self._share(weights))
        return self.force(margins) + self.temperature * log_share

    def force(self, margins: Margins) -> Tensor:
        """The margins in the unit of the problem, shape (n,)."""
        return margins.p * self._unit(margins)

    def curvature(self, margins: Margins) -> Tensor:
        """Derivative of `force` in q, shape (n, n), positive semidefinite."""
        curvature = self.eta * self._unit(margins) * margins.hessian()
        if self.floored:
            curvature = curvature - 2.0 * self.eta * torch.outer(margins.p, margins.p)
        return curvature

    def solved(self, residual: Tensor) -> bool:
        """Whether the residual is at the level of rounding and of the temperature."""
        return float(residual.abs().max()) <= 1e-8 * self.temperature + 1e-13

    def entry(self, curvature: Tensor) -> Tensor:
        """Return the ln q at which the curvature of F outweighs that of the entropy, shape (n,)."""
        return (self.temperature / curvature.diagonal().clamp_min(1e-300)).log().clamp_max(-1.0)

    def newton(self, weights: Weights, curvature: Tensor, residual: Tensor) -> tuple[Tensor, float]:
        """Newton direction in ln q and ln Lam (the sum of q kept at one)."""
        q, root = weights.q, (0.5 * weights.ln_q).exp()
        slope = self.temperature / (1.0 - self._share(weights)) if self.logistic else None
        diagonal = torch.full_like(q, self.temperature) if slope is None else slope
        matrix = root[:, None] * curvature * root + torch.diag(diagonal)
        factor, info = torch.linalg.cholesky_ex(matrix)
        if int(info):
            return torch.full_like(q, math.nan), 0.0
        both = torch.stack([root * residual, root * diagonal], dim=1)
        solved = torch.cholesky_solve(both, factor)
        lam = -float((root @ solved[:, 0]) / (root @ solved[:, 1]))
        scaled = -(solved[:, 0] + lam * solved[:, 1])
        # Where q is tiny its own row of the system gives ln q without dividing by sqrt(q).
        row = -(residual + curvature @ (root * scaled) + lam * diagonal) / diagonal
        return torch.where(q > _TINY, scaled / root.clamp_min(1e-100), row), lam

    def _share(self, weights: Weights) -> Tensor:
        """``q_i Lam = |l'(p_i)|``, kept below one."""
        return (weights.ln_q + weights.ln_lam).clamp_max(-1e-13).exp()


def _move(
    weights: Weights, direction: Tensor, lam_direction: float, length: float, entry: Tensor
) -> Weights:
    """A step along a Newton direction: down in ln q; up in q itself, once ln q is above ``entry``.

    Below ``entry`` (where the entropy dominates the curvature) a growing weight has no effect on
    the margins, so it is brought up to there at once and no further.
    """
    step, ln_q = length * direction, weights.ln_q
    up = torch.where(
        ln_q < entry, torch.minimum(ln_q + step, entry), ln_q + torch.log1p(step.clamp_min(0.0))
    )
    moved = torch.where(step > 0, up, ln_q + step)
    total = float(torch.logsumexp(moved, 0))
    return Weights(moved - total, weights.ln_lam + length * lam_direction + total)
