"""What turns the outputs of a network into the dual weights that drive it, for each objective."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from lowrot.integrate import DualWeights, Model
from lowrot.losses import Loss

_CANCELS = 0.05
"""Part of the mean error of margins that counts beside that of the soft margin."""
_BEND = 3.0
"""Largest change of a ln q that a prediction extrapolates."""


@dataclass(frozen=True, eq=False)
class Classification:
    """Exponential or logistic loss: the weights are q, the outputs the margins ``p = y f``.

    Attributes:
        sign: the labels y, shape (n,).
        loss: exponential or logistic.
        accuracy: to which margins are solved for.
    """

    sign: Tensor
    loss: Loss
    accuracy: float = 1e-12

    def respond(self, p: Tensor) -> DualWeights:
        """The weights of the margins p."""
        return DualWeights.of_margins(p, self.loss)

    def vector(self, weights: DualWeights) -> Tensor:
        """q, shape (n,)."""
        return weights.q

    def solve(self, p: Tensor, curvature: Tensor, guess: DualWeights) -> DualWeights | None:
        """The weights of ``p + curvature (q - q_guess)``; None where no method settles."""
        return Model(p, curvature, guess.q, 1.0, self.accuracy).solve(guess)

    def predict(self, now: DualWeights, before: DualWeights, ratio: float) -> DualWeights:
        """Extrapolate ln q by ``ratio`` times the last change."""
        ln_q = now.ln_q + ratio * (now.ln_q - before.ln_q).clamp(-_BEND, _BEND)
        return replace(now, ln_q=ln_q - torch.logsumexp(ln_q, 0))

    def difference(self, new: DualWeights, old: DualWeights) -> float:
        """Relative change of the weights, each counted by its size."""
        return float((new.q * (new.ln_q - old.ln_q).abs()).sum())

    def mismatch(self, p: Tensor, weights: DualWeights) -> float:
        """By how much the margins p miss those behind the weights: in the soft margin, or by far.

        On average errors may be larger than in the soft margin, where they cancel.
        """
        far = _CANCELS * float(weights.q @ (p + weights.logit).abs())
        return max(
            far, abs(float(self.loss.soft_margin(p) - self.loss.soft_margin(-weights.logit)))
        )

    def measure(self, change: Tensor, weights: DualWeights) -> float:
        """The size of a change of the margins: that of the soft margin, ``| q.change |``."""
        return abs(float(weights.q @ change))

    def unit(self, p: Tensor, weights: DualWeights) -> float:
        """The size in which errors of the margins are measured: max(1, | P |)."""
        return max(1.0, abs(float(self.loss.soft_margin(p))))

    def rounding(self, weights: DualWeights, of_outputs: float) -> Tensor:
        """Rounding of the weights for that of the outputs, shape (n,)."""
        return weights.q * min(1.0, of_outputs)

    def stiffness(self, K: Tensor, weights: DualWeights) -> float:
        """``sum_i q_i K_ii``, a bound on the rates at which q relaxes for the exponential loss."""
        return float(K.diagonal() @ weights.q)

    def rate(self, p: Tensor, P: float) -> float:
        """``P' / ||W'||^2`` (F2) at margins with soft margin P: 1 for the exponential loss."""
        return self.loss.soft_margin_rate(p, P)


@dataclass(frozen=True, eq=False)
class Regression:
    """Squared loss: the weights are minus the residuals, the outputs those of the network.

    Attributes:
        target: the labels, shape (n,).
    """

    target: Tensor

    @property
    def sign(self) -> Tensor:
        """Ones: outputs are taken as they are."""
        return torch.ones_like(self.target)

    def respond(self, f: Tensor) -> Tensor:
        """``y - f``."""
        return self.target - f

    def vector(self, weights: Tensor) -> Tensor:
        """The weights themselves."""
        return weights

    def solve(self, f: Tensor, curvature: Tensor, guess: Tensor) -> Tensor | None:
        """Solve ``u = y - f - curvature (u - guess)``."""
        system = curvature + torch.eye(len(f), dtype=f.dtype, device=f.device)
        factor, info = torch.linalg.cholesky_ex(system)
        if int(info):
            return None
        return guess + torch.cholesky_solve((self.target - f - guess)[:, None], factor)[:, 0]

    def predict(self, now: Tensor, before: Tensor, ratio: float) -> Tensor:
        """No extrapolation: fast modes die."""
        return now

    def difference(self, new: Tensor, old: Tensor) -> float:
        """Relative change of the weights."""
        return float((new - old).norm() / new.norm().clamp_min(1e-300))

    def mismatch(self, f: Tensor, weights: Tensor) -> float:
        """By how much the residuals miss the weights."""
        return self.measure(self.target - f - weights, weights)

    def measure(self, change: Tensor, weights: Tensor) -> float:
        """The size of a change of the outputs: its norm."""
        return float(change.norm())

    def unit(self, f: Tensor, weights: Tensor) -> float:
        """The size in which errors of the outputs are measured: the norm of the residuals."""
        return float(weights.norm().clamp_min(1e-300))

    def rounding(self, weights: Tensor, of_outputs: float) -> Tensor:
        """Rounding of the weights for that of the outputs, shape (n,)."""
        return torch.full_like(weights, of_outputs)

    def stiffness(self, K: Tensor, weights: Tensor) -> float:
        """Bound on the rates at which residuals relax: the trace of K."""
        return float(K.diagonal().sum())


class Objective(Protocol):
    """An objective, as a step sees it; its weights are of a type of their own."""

    @property
    def sign(self) -> Tensor: ...
    def respond(self, p: Tensor) -> Any: ...
    def vector(self, weights: Any) -> Tensor: ...
    def solve(self, p: Tensor, curvature: Tensor, guess: Any) -> Any: ...
    def predict(self, now: Any, before: Any, ratio: float) -> Any: ...
    def difference(self, new: Any, old: Any) -> float: ...
    def mismatch(self, p: Tensor, weights: Any) -> float: ...
    def measure(self, change: Tensor, weights: Any) -> float: ...
    def unit(self, p: Tensor, weights: Any) -> float: ...
    def rounding(self, weights: Any, of_outputs: float) -> Tensor: ...
    def stiffness(self, K: Tensor, weights: Any) -> float: ...
