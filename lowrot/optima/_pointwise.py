"""The pointwise NTK margin: a path-following Newton method in the n dual variables only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative
from lowrot.optima._optimum import TINY

_CHUNK_ENTRIES = 2**18
"""Largest number of (point, neuron) pairs of a chunk: 2 MB in float64, which caches hold."""

_LEAST_CHUNK = 64
"""Fewest neurons of a chunk, so that many points do not leave products of thin matrices."""

_STEPS = 300
"""Newton steps at most; the path is followed in some tens."""

_SHRINK = 0.2
"""Factor of eps and mu at a centred point: a few Newton steps lead back to the path."""

_CENTRED = 0.1
"""A point is off the path when its squared decrement is above this times mu, or"""

_GAP_ALLOWED = 2.0
"""when its gap is above this times the one that eps and mu explain."""

_BALANCE = (0.3, 3.0)
"""eps waits while it explains less than 0.3 times what mu does of the gap, mu while eps explains
more than 3 times: neither is made smaller for nothing."""

_HALVINGS = 12
"""Step lengths tried: below 2^-12 rounding decides, not the step."""

_TO_BOUNDARY = 0.95
"""Part of the way to the boundary of the simplex that a step may go."""

_DECREASE = 0.1
"""Part of the decrease predicted to first order that a step must reach (Armijo)."""

_DIGITS = 1e-14
"""What rounding leaves of a sum of products, relative to its terms."""

_LAST_DIGIT = 1e-15
"""An increase of the value up to this part is rounding to the line search."""


@dataclass(frozen=True, eq=False)
class Terms:
    """Value and derivatives of ``f_eps(q) = (1/m) sum_j sqrt(||B_j q||^2 + eps^2)``.

    ``B_j q = sum_i q_i G_ij`` is the block of neuron j.

    Attributes:
        value: f_eps(q).
        sharp: f(q) = f_0(q), an upper bound of the margin.
        gradient: shape (n,); its smallest entry is a margin attained, a lower bound.
        hessian: shape (n, n); zero where it was not asked for.
    """

    value: float
    sharp: float
    gradient: Tensor
    hessian: Tensor


class _Chunk(NamedTuple):
    """The blocks ``B_j q`` of k neurons; layers that are not selected have no rows.

    Attributes:
        features: ``s(v_j.x_i)``, shape (n, k) or (0, k).
        active: ``a_j s'(v_j.x_i)``, shape (n, k) or (0, k).
        outer: the outer entry of each block, shape (k,); zero where not selected.
        pushed: ``y_i <G_ij, B_j q>``, shape (n, k); (0, k) without the inner layer.
        square: ``||B_j q||^2``, shape (k,).
    """

    features: Tensor
    active: Tensor
    outer: Tensor
    pushed: Tensor
    square: Tensor


class Smoothed:
    """``f_eps`` on (net, data); nothing larger than (n, chunk) is held."""

    def __init__(self, net: Network, data: Dataset, layers: str) -> None:
        self.net, self.data = net, data
        self.outer, self.inner = _validate.layers(layers)
        self.gram = data.X @ data.X.T

    def terms(self, q: Tensor, eps: float, hessian: bool = True) -> Terms:
        """Return value, gradient and (if asked) Hessian at q, shape (n,)."""
        y, m, n = self.data.y, self.net.m, self.data.n
        value = sharp = 0.0
        gradient, total = q.new_zeros(n), q.new_zeros(n, n)
        for part in self._parts():
            chunk = self._chunk(part, y * q)
            r = (chunk.square + eps**2).sqrt()
            value += float(r.sum())
            sharp += float(chunk.square.sqrt().sum())
            gradient += chunk.pushed @ (1 / r) if self.inner else chunk.features @ (chunk.outer / r)
            if hessian:
                self._add_hessian(total, chunk, r, eps)
        return Terms(value / m, sharp / m, y * gradient / m, torch.outer(y, y) * total / m)

    def primal(self, q: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        """Return theta, blocks (m,) and (m, d), with ``||theta_j|| <= 1/sqrt(m)``."""
        outer, inner = self.net.gradient(self.data, q)
        outer, inner = outer * self.outer, inner * self.inner
        r = (outer.square() + inner.square().sum(dim=1) + eps**2).sqrt().clamp_min(TINY)
        r *= math.sqrt(self.net.m)
        return outer / r, inner / r[:, None]

    def _parts(self) -> Iterator[slice]:
        """Yield slices of the neurons, small enough for a processor's cache."""
        size = max(_LEAST_CHUNK, _CHUNK_ENTRIES // self.data.n)
        for start in range(0, self.net.m, size):
            yield slice(start, start + size)

    def _chunk(self, part: slice, weight: Tensor) -> _Chunk:
        """Return the blocks of some neurons at ``weight = y q``."""
        X, slope = self.data.X, self.net.slope
        z = X @ self.net.V[part].T
        features = activation(z, slope) if self.outer else z[:0]
        outer = weight @ features if self.outer else z.new_zeros(z.shape[1])
        square = outer.square()
        active = pushed = z[:0]
        if self.inner:
            active = derivative(z, slope).mul_(self.net.a[part])
            inner = active.T @ (weight[:, None] * X)
            square = square + inner.square().sum(dim=1)
            pushed = (X @ inner.T).mul_(active)
            if self.outer:
                pushed.addcmul_(features, outer)
        return _Chunk(features, active, outer, pushed, square)

    def _add_hessian(self, total: Tensor, chunk: _Chunk, r: Tensor, eps: float) -> None:
        """Add ``sum_j G_j G_j^T / r_j - (G_j B_j q)(G_j B_j q)^T / r_j^3`` but for the labels.

        Overwrites ``chunk.pushed``.
        """
        features, active = chunk.features, chunk.active
        if not self.inner:  # 1/r - outer^2/r^3 without its cancellation
            total += (features * (eps**2 / r**3)) @ features.T
            return
        if self.outer:
            total += (features / r) @ features.T
        total += self.gram * ((active / r) @ active.T)
        pushed = chunk.pushed.div_(r**1.5)
        total -= pushed @ pushed.T


class Followed(NamedTuple):
    """The best points that Newton's method met.

    Attributes:
        q: the dual point of the smallest upper bound, shape (n,).
        eps: the smoothing, and
        primal_q: the point at which the gradient attains the largest margin.
    """

    q: Tensor
    eps: float
    primal_q: Tensor


class _Bounds:
    """The best bounds so far, and where they were attained."""

    def __init__(self, q: Tensor, sharp: float) -> None:
        self.start = self.upper = sharp
        self.lower = -math.inf
        self.best = Followed(q, sharp, q)

    def update(self, now: Terms, q: Tensor, eps: float) -> None:
        if now.sharp < self.upper:
            self.upper, self.best = now.sharp, self.best._replace(q=q)
        attained = float(now.gradient.min())
        if attained > self.lower:
            self.lower, self.best = attained, self.best._replace(eps=eps, primal_q=q)

    def closed(self, tolerance: float) -> bool:
        """Whether the relative gap is small, or no margin is left."""
        gap = self.upper - self.lower
        return gap <= tolerance * self.upper or self.upper <= _DIGITS * self.start


def newton(problem: Smoothed, tolerance: float) -> Followed:
    """Follow ``min f_eps(q) - mu sum ln q`` over the simplex as eps and mu go to 0.

    Args:
        problem: the smoothed dual function.
        tolerance: the relative gap at which to stop.
    """
    n = problem.data.n
    q = problem.data.X.new_full((n,), 1.0 / n)
    start = problem.terms(q, 0.0, hessian=False).sharp
    if start == 0:
        return Followed(q, 0.0, q)
    eps, mu = start, start / n
    bounds = _Bounds(q, start)
    for _ in range(_STEPS):
        now = problem.terms(q, eps)
        bounds.update(now, q, eps)
        if bounds.closed(tolerance):
            break
        step, decrement = _newton_step(now, q, mu)
        moved = None
        if _off_path(now, q, decrement, mu):
            moved = _line_search(problem, now, q, step, decrement, eps, mu)
        if moved is not None:
            q = moved
        elif mu < _DIGITS * start:
            break
        else:
            eps, mu = _continued(now, q, eps, mu)
    return bounds.best


def _smoothing(now: Terms, q: Tensor) -> float:
    """Return what eps contributes to the gap; mu contributes n mu."""
    return now.sharp - float(q @ now.gradient)


def _off_path(now: Terms, q: Tensor, decrement: float, mu: float) -> bool:
    """Whether the point is too far from the path, in its decrement or in its gap."""
    gap = now.sharp - float(now.gradient.min())
    explained = _smoothing(now, q) + len(q) * mu
    return decrement > _CENTRED * mu or gap > _GAP_ALLOWED * explained


def _continued(now: Terms, q: Tensor, eps: float, mu: float) -> tuple[float, float]:
    """Return eps and mu for the next point of the path; a small contribution waits."""
    smoothing, n = _smoothing(now, q), len(q)
    low, high = _BALANCE
    shrink_eps = smoothing > low * n * mu
    shrink_mu = smoothing < high * n * mu
    return eps * (_SHRINK if shrink_eps else 1.0), mu * (_SHRINK if shrink_mu else 1.0)


def _newton_step(now: Terms, q: Tensor, mu: float) -> tuple[Tensor, float]:
    """Return the step in ``sum step = 0`` of ``f_eps - mu sum ln`` and its squared decrement."""
    g = now.gradient - mu / q
    # A constant does not matter where sum step = 0; without it nothing cancels.
    g = g - q @ g
    H = now.hessian + torch.diag(mu / q**2)
    scale = H.diagonal().rsqrt()
    eye = torch.eye(len(g), dtype=H.dtype, device=H.device)
    factor = torch.linalg.cholesky_ex(scale[:, None] * H * scale + _DIGITS * eye)[0]
    both = torch.stack([g * scale, scale], dim=1)
    solved = torch.cholesky_solve(both, factor) * scale[:, None]
    nu = solved[:, 0].sum() / solved[:, 1].sum()
    step = -(solved[:, 0] - nu * solved[:, 1])
    step = step - step.sum() / len(step)
    return step, float(-(g @ step))


def _line_search(
    problem: Smoothed, now: Terms, q: Tensor, step: Tensor, decrement: float, eps: float, mu: float
) -> Tensor | None:
    """Return a point with sufficient decrease along the step, or None."""
    shrinking = step < 0
    longest = float((-q / step)[shrinking].min()) if bool(shrinking.any()) else math.inf
    t = min(1.0, _TO_BOUNDARY * longest)
    barrier = float(q.log().sum())
    for _ in range(_HALVINGS):
        trial = q + t * step
        trial = trial / trial.sum()
        value = problem.terms(trial, eps, hessian=False).value
        rise = value - now.value - mu * (float(trial.log().sum()) - barrier)
        enough = -_DECREASE * t * decrement + _LAST_DIGIT * now.value
        if rise <= enough and not torch.equal(trial, q):
            return trial
        t *= 0.5
    return None
