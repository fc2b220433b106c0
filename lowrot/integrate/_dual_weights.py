"""Dual weights of margins, accurate however small they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from lowrot.integrate._implicit_moves import NewtonWeights
from lowrot.losses import Loss, as_loss


@dataclass(frozen=True, eq=False)
class DualWeights:
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
    def of_margins(cls, p: Tensor, loss: str | Loss) -> DualWeights:
        """The weights at margins p, shape (n,)."""
        loss = as_loss(loss)
        ln_slopes = loss.log_slopes(p)
        ln_lam = float(torch.logsumexp(ln_slopes, 0))
        return cls(ln_slopes - ln_lam, ln_lam, loss.excess(p))

    @classmethod
    def from_plain(cls, values: dict[str, Any], like: Tensor) -> DualWeights:
        """The weights that `plain` described, with the dtype and device of ``like``."""
        ln_q, excess = like.new_tensor(values["ln_q"]), values["excess"]
        return cls(ln_q, values["ln_lam"], None if excess is None else like.new_tensor(excess))

    def plain(self) -> dict[str, Any]:
        """The three attributes as numbers and lists."""
        excess = None if self.excess is None else self.excess.tolist()
        return {"ln_q": self.ln_q.tolist(), "ln_lam": self.ln_lam, "excess": excess}

    @property
    def arrays(self) -> NewtonWeights:
        """What compiled functions take."""
        excess = self.ln_q.new_empty(0) if self.excess is None else self.excess
        return NewtonWeights(self.ln_q.cpu().numpy(), excess.cpu().numpy(), self.ln_lam)

    @cached_property
    def q(self) -> Tensor:
        """The point of the simplex, shape (n,)."""
        return self.ln_q.exp()

    @property
    def logit(self) -> Tensor:
        """Minus the margins, shape (n,)."""
        ln_slopes = self.ln_q + self.ln_lam
        return ln_slopes if self.excess is None else ln_slopes + self.excess
