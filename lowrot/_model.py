"""The implicit step for margins that are linear in q: a convex problem in n unknowns, no neurons.

    force + K (q - q_0) + T (ln q + ln Lam) = 0,   sum q = 1        (exponential loss);

for the logistic loss ``ln(q Lam) - ln(1 - q Lam)`` stands in place of ``ln(q Lam)``. With a low
temperature T this is a quadratic program, whose active points are found by an interior-point
method where Newton's alone does not settle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import wrightomega
from torch import Tensor

_NEWTON, _INTERIOR = 15, 60
_TINY = 1e-8


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
class Model:
    """Margins linear in q, with the entropy of a loss at a temperature.

    Args:
        force: margins at ``origin``, in the unit of the problem, shape (n,).
        curvature: their derivative in q, shape (n, n), positive semidefinite.
        origin: q_0, shape (n,).
        temperature: T, in the unit of the problem.
        logistic: which loss.
    """

    force: Tensor
    curvature: Tensor
    origin: Tensor
    temperature: float
    logistic: bool

    def solve(self, guess: Weights) -> Weights | None:
        """The weights of the model, or None where no method settles."""
        weights, solved = self._newton(guess)
        return weights if solved else self._restart(guess)

    def _restart(self, guess: Weights) -> Weights | None:
        weights, solved = self._newton(self._interior(guess))
        return weights if solved else None

    def forces(self, q: Tensor) -> Tensor:
        """Margins at q, shape (n,)."""
        return self.force + self.curvature @ (q - self.origin)

    def _residual(self, weights: Weights) -> Tensor:
        return self.forces(weights.q) + self.temperature * log_share(weights, self.logistic)

    def _newton(self, weights: Weights) -> tuple[Weights, bool]:
        """Damped Newton, until the residual is far below the temperature."""
        residual = self._residual(weights)
        pull = (self.curvature.diagonal() / self.temperature).clamp(1e-12, 1e300)
        for _ in range(_NEWTON):
            largest = float(residual.abs().max())
            if largest <= 1e-9 * self.temperature + 1e-15:
                return weights, True
            direction, lam = self._direction(weights, residual)
            if not math.isfinite(lam):
                return weights, False
            length = 1.0
            while True:
                trial = _move(weights, direction, lam, length, pull)
                trial_residual = self._residual(trial)
                if float(trial_residual.norm()) <= (1 - 1e-4 * length) * float(residual.norm()):
                    break
                length *= 0.3
                if length < 1e-3:
                    return weights, largest <= 1e-7 * self.temperature + 1e-13
            weights, residual = trial, trial_residual
        return weights, False

    def _direction(self, weights: Weights, residual: Tensor) -> tuple[Tensor, float]:
        """Newton direction in ln q and ln Lam (the sum of q kept at one)."""
        q, root = weights.q, (0.5 * weights.ln_q).exp()
        diagonal = torch.full_like(q, self.temperature)
        if self.logistic:
            diagonal = diagonal / (1.0 - share(weights))
        matrix = root[:, None] * self.curvature * root + torch.diag(diagonal)
        factor, info = torch.linalg.cholesky_ex(matrix)
        if int(info):
            return residual, math.nan
        both = torch.stack([root * residual, root * diagonal], dim=1)
        solved = torch.cholesky_solve(both, factor)
        lam = -float((root @ solved[:, 0]) / (root @ solved[:, 1]))
        scaled = -(solved[:, 0] + lam * solved[:, 1])
        # Where q is tiny its own row of the system gives ln q without dividing by sqrt(q).
        row = -(residual + self.curvature @ (root * scaled) + lam * diagonal) / diagonal
        return torch.where(q > _TINY, scaled / root.clamp_min(1e-100), row), lam

    def _interior(self, guess: Weights) -> Weights:
        """Primal-dual interior-point steps, with slacks s of q >= 0."""
        ln_q, T = guess.ln_q.clamp_min(math.log(1e-4)), self.temperature
        q = (ln_q - torch.logsumexp(ln_q, 0)).exp()
        force = self.forces(q)
        slack = (force - force.min()).clamp_min(1e-2 * float(force.abs().max()) + T)
        for _ in range(_INTERIOR):
            gap = float(q @ slack)
            if gap <= 0.1 * T:
                break
            barrier = 0.1 * gap / len(q)
            matrix = self.curvature + torch.diag((slack + T) / q)
            right = torch.stack([barrier / q - force - T * q.log(), torch.ones_like(q)], 1)
            factor, info = torch.linalg.cholesky_ex(matrix)
            if int(info):
                break
            solved = torch.cholesky_solve(right, factor)
            step = solved[:, 0] - solved[:, 1] * (solved[:, 0].sum() / solved[:, 1].sum())
            slack_step = barrier / q - slack - slack / q * step
            length = min(1.0, 0.95 * min(_room(q, step), _room(slack, slack_step)))
            q, slack = q + length * step, slack + length * slack_step
            force = self.forces(q)
        ln_q = torch.where(q * T > slack * 1e-3, q.log(), -slack / T)
        ln_q = ln_q - torch.logsumexp(ln_q, 0)
        return Weights(ln_q, -float(q @ (force / T + q.log())))


def share(weights: Weights) -> Tensor:
    """``q_i Lam = |l'(p_i)|`` of the logistic loss, kept below one."""
    return (weights.ln_q + weights.ln_lam).clamp_max(-1e-13).exp()


def log_share(weights: Weights, logistic: bool) -> Tensor:
    """Minus the margins at which the loss has these weights, shape (n,)."""
    ln = weights.ln_q + weights.ln_lam
    return ln - torch.log1p(-share(weights)) if logistic else ln


def _room(x: Tensor, step: Tensor) -> float:
    """Largest multiple of the step that keeps x nonnegative."""
    return 1.0 / max(float((-step / x).max()), 1e-300)


def _move(
    weights: Weights, direction: Tensor, lam_direction: float, length: float, pull: Tensor
) -> Weights:
    """A step along a Newton direction, straight in ``ln q + pull q``.

    ``pull`` is the curvature over the temperature: in this variable the step suits a point whose
    weight the curvature decides (linear in q) and one whose weight the entropy decides (linear in
    ln q). It solves a diagonal model at once.
    """
    moved = weights.ln_q + pull * weights.q + length * (1.0 + pull * weights.q) * direction
    x = (moved + pull.log()).cpu().numpy()
    omega = wrightomega(np.maximum(x, -30.0))
    ln_q = torch.as_tensor(np.where(x < -30.0, x, np.log(omega))).to(pull) - pull.log()
    total = float(torch.logsumexp(ln_q, 0))
    return Weights(ln_q - total, weights.ln_lam + length * lam_direction + total)
