"""Sums over the margins of a classification flow, compiled: the formulas of `lowrot.losses`."""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import jit, part
from lowrot.integrate import softplus

_CANCELS = 0.05
"""Part of the mean error of margins that counts beside that of the soft margin."""
_TINY = 1e-300
"""Below this numbers lose digits (they become subnormal), and ratios of two are not to be used."""
LOSSES, LOGISTIC_LOSSES, LOGISTIC_SLOPES = range(3)
"""Whose logarithms are summed: ``l(p)`` of the exponential loss, which are its slopes, and ``l(p)``
and ``| l'(p) |`` of the logistic one."""


@jit
def mismatch(p: np.ndarray, ln_q: np.ndarray, excess: np.ndarray, ln_lam: float) -> float:
    """By how much the margins p miss those behind the weights: in the soft margin, or by far.

    On average errors may be larger than in the soft margin, where they cancel.
    """
    logistic, far, behind = len(excess) > 0, 0.0, np.empty(len(p))
    for i in range(len(p)):
        behind[i] = -ln_q[i] - ln_lam - (excess[i] if logistic else 0.0)
        far += math.exp(ln_q[i]) * abs(p[i] - behind[i])
    asked = soft_margin(behind, True) if logistic else -ln_lam
    return max(_CANCELS * far, abs(soft_margin(p, logistic) - asked))


@part
def soft_margin(p: np.ndarray, logistic: bool) -> float:
    """P, accurate however large L or -ln L."""
    if not logistic:
        return -log_sum(p, LOSSES)
    L = 0.0
    for i in range(len(p)):
        L += softplus(-p[i])
    if L > 1.0:
        return -L - math.log1p(-math.exp(-L))
    return -log_sum(p, LOGISTIC_LOSSES) - (math.log(math.expm1(L) / L) if L > _TINY else 0.0)


@part
def log_sum(p: np.ndarray, kind: int) -> float:
    """The logarithm of a sum over margins, of which the terms may be below the doubles."""
    top, total = -math.inf, 0.0
    for i in range(len(p)):
        top = max(top, _log(p[i], kind))
    for i in range(len(p)):
        total += math.exp(_log(p[i], kind) - top)
    return top + math.log(total)


@part
def _log(p: float, kind: int) -> float:
    if kind == LOSSES:
        return -p
    if kind == LOGISTIC_SLOPES:
        return -softplus(p)
    value = softplus(-p)
    return math.log(value) if value > _TINY else -p
