"""The implicit step for margins that are linear in q: a convex problem in n unknowns, no neurons.

    force + K (q - q_0) + T logit = 0,   q_i Lam = exp(logit_i) or sigmoid(logit_i),   sum q = 1

(exponential or logistic loss; the margins are -logit). With a low temperature T this is a
quadratic program, whose active points are found by an interior-point method where Newton's alone
does not settle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.special import wrightomega
from torch import Tensor
from torch.nn.functional import softplus

_NEWTON, _INTERIOR = 20, 60
_TINY, _SATURATED = 1e-8, 1e-12
_SMALL = 512


@contextmanager
def _few_threads(n: int) -> Iterator[None]:
    """One thread for small systems: several would spend their time waiting for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if n <= _SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Weights:
    """Dual weights ``q_i = |l'(p_i)|/Lam``, which determine the margins they belong to.

    Args:
        ln_q: ``ln q_i``, shape (n,), accurate however small q_i.
        ln_lam: ``ln Lam``.
        excess: ``-ln(1 - q_i Lam)``, shape (n,), accurate however close q_i Lam is to one
            (logistic loss); None for the exponential loss.
    """

    ln_q: Tensor
    ln_lam: float
    excess: Tensor | None = None

    @classmethod
    def of_margins(cls, p: Tensor, loss: str) -> Weights:
        """The weights at margins p, shape (n,)."""
        excess = softplus(-p) if loss == "logistic" else None
        ln_slopes = -p if excess is None else -softplus(p)
        ln_lam = float(torch.logsumexp(ln_slopes, 0))
        return cls(ln_slopes - ln_lam, ln_lam, excess)

    @classmethod
    def from_plain(cls, values: dict[str, Any], like: Tensor) -> Weights:
        """The weights that `plain` described, with the dtype and device of ``like``."""
        ln_q, excess = like.new_tensor(values["ln_q"]), values["excess"]
        return cls(ln_q, values["ln_lam"], None if excess is None else like.new_tensor(excess))

    def plain(self) -> dict[str, Any]:
        """The three attributes as numbers and lists."""
        excess = None if self.excess is None else self.excess.tolist()
        return {"ln_q": self.ln_q.tolist(), "ln_lam": self.ln_lam, "excess": excess}

    @cached_property
    def q(self) -> Tensor:
        """The point of the simplex, shape (n,)."""
        return self.ln_q.exp()

    @property
    def logit(self) -> Tensor:
        """Minus the margins, shape (n,)."""
        ln_slopes = self.ln_q + self.ln_lam
        return ln_slopes if self.excess is None else ln_slopes + self.excess

    @property
    def elasticity(self) -> Tensor:
        """``d ln q_i Lam / d logit_i = 1 - q_i Lam``, shape (n,); 1 for the exponential loss."""
        return torch.ones_like(self.ln_q) if self.excess is None else (-self.excess).exp()


@dataclass(frozen=True)
class Model:
    """Margins linear in q, with the entropy of a loss at a temperature.

    Args:
        force: margins at ``origin``, in the unit of the problem, shape (n,).
        curvature: their derivative in q, shape (n, n), positive semidefinite.
        origin: q_0, shape (n,).
        temperature: T, in the unit of the problem.
        accuracy: largest residual of a solution over the temperature, beside rounding.
    """

    force: Tensor
    curvature: Tensor
    origin: Tensor
    temperature: float
    accuracy: float = 1e-9

    def solve(self, guess: Weights) -> Weights | None:
        """The weights of the model, or None where no method settles."""
        with _few_threads(len(self.force)):
            weights, solved = self._newton(guess)
            if not solved and guess.excess is None:
                weights, solved = self._newton(self._interior(guess))
            return weights if solved else self._cooled(guess)

    def _cooled(self, weights: Weights) -> Weights | None:
        """Solve at a high temperature first, where the entropy rules, then at lower ones."""
        hottest = float(self.force.abs().max() + self.curvature.diagonal().max())
        falls = max(1, math.ceil(math.log(max(hottest / self.temperature, 1.0)) / math.log(4.0)))
        for fall in range(falls, -1, -1):
            warm = replace(self, temperature=self.temperature * 4.0**fall)
            weights, solved = warm._newton(weights)
            if not solved:
                return None
        return weights

    def forces(self, q: Tensor) -> Tensor:
        """Margins at q, shape (n,)."""
        return self.force + self.curvature @ (q - self.origin)

    def _residual(self, weights: Weights) -> Tensor:
        return self.forces(weights.q) + self.temperature * weights.logit

    def _newton(self, weights: Weights) -> tuple[Weights, bool]:
        """Damped Newton, until the residual is far below the temperature."""
        residual = self._residual(weights)
        pull = (self.curvature.diagonal() / self.temperature).clamp(1e-12, 1e300)
        rounding = 2e-16 * (4.0 + float(self.curvature.diagonal().max()))
        for _ in range(_NEWTON):
            largest = float(residual.abs().max())
            if largest <= self.accuracy * self.temperature + rounding:
                return weights, True
            step = self._step(weights, residual)
            if step is None:
                return weights, False
            length = 1.0
            while True:
                trial = _move(weights, step, length, pull)
                trial_residual = self._residual(trial)
                if float(trial_residual.norm()) <= (1 - 1e-4 * length) * float(residual.norm()):
                    break
                length *= 0.3
                if length < 1e-3:
                    loose = max(1e-7, self.accuracy) * self.temperature + 100.0 * rounding
                    return weights, largest <= loose
            weights, residual = trial, trial_residual
        return weights, False

    def _step(self, weights: Weights, residual: Tensor) -> Step | None:
        """Newton step, with the sum of q kept at one."""
        q, root, elasticity = weights.q, (0.5 * weights.ln_q).exp(), weights.elasticity
        diagonal = self.temperature / elasticity.clamp_min(_SATURATED)
        matrix = root[:, None] * self.curvature * root + torch.diag(diagonal)
        factor, info = torch.linalg.cholesky_ex(matrix)
        if int(info):
            return None
        both = torch.stack([root * residual, root * diagonal], dim=1)
        solved = torch.cholesky_solve(both, factor)
        lam = -float((root @ solved[:, 0]) / (root @ solved[:, 1]))
        scaled = -(solved[:, 0] + lam * solved[:, 1])
        # Where q is tiny its own row of the system gives ln q without dividing by sqrt(q).
        logit = -(residual + self.curvature @ (root * scaled)) / self.temperature
        ln_q = torch.where(q > _TINY, scaled / root.clamp_min(1e-100), elasticity * logit - lam)
        return Step(ln_q, lam, logit) if math.isfinite(lam) else None

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
        ln_lam = -float(q @ (force / T + q.log()))
        if guess.excess is None:
            return Weights(ln_q, ln_lam)
        return Weights(ln_q, ln_lam, -torch.log1p(-(ln_q + ln_lam).clamp_max(-1e-9).exp()))


@dataclass(frozen=True)
class Step:
    """Changes of ln q, shape (n,), of ln Lam, and of the logits, shape (n,)."""

    ln_q: Tensor
    ln_lam: float
    logit: Tensor


def _room(x: Tensor, step: Tensor) -> float:
    """Largest multiple of the step that keeps x nonnegative."""
    return 1.0 / max(float((-step / x).max()), 1e-300)


def _move(weights: Weights, step: Step, length: float, pull: Tensor) -> Weights:
    """A step along Newton's, straight in ``ln q + pull q`` once Lam has changed.

    ``pull`` is the curvature over the temperature: in this variable the step suits a point whose
    weight the curvature decides (linear in q) and one whose weight the entropy decides (linear in
    ln q). It solves a diagonal model at once. For the logistic loss ``1 - q Lam`` takes the place
    of ``q Lam`` beyond one half, with the variable continued oddly.
    """
    ln_lam, ln_pull = weights.ln_lam + length * step.ln_lam, pull.log()
    at, change = weights.ln_q, step.ln_q
    if weights.excess is not None:
        logit = weights.logit + length * step.ln_lam
        excess, upper = softplus(logit), logit > 0
        at = torch.where(upper, -excess - ln_lam, at + weights.excess - excess)
        down = (logit - excess).exp() * (step.ln_lam - step.logit)
        change = torch.where(upper, down, change + (1.0 - weights.elasticity) * step.ln_lam)
    bend = (at + ln_pull).clamp_max(690.0).exp()
    value = at + bend + length * (1.0 + bend) * change
    if weights.excess is not None:
        half = -math.log(2.0) - ln_lam
        crossed = value > (middle := half + (half + ln_pull).clamp_max(690.0).exp())
        value, upper = torch.where(crossed, 2.0 * middle - value, value), upper ^ crossed
    x = (value + ln_pull).cpu().numpy()
    omega = wrightomega(np.maximum(x, -30.0))
    ln_q = torch.as_tensor(np.where(x < -30.0, x, np.log(omega))).to(pull) - ln_pull
    if weights.excess is None:
        total = float(torch.logsumexp(ln_q, 0))
        return Weights(ln_q - total, ln_lam + total)
    other = -torch.log1p(-(ln_q + ln_lam).clamp_max(-math.log(2.0)).exp())
    excess = torch.where(upper, -(ln_q + ln_lam), other)
    ln_q = torch.where(upper, -other - ln_lam, ln_q)
    total = float(torch.logsumexp(ln_q, 0))
    return Weights(ln_q - total, ln_lam + total, excess)
