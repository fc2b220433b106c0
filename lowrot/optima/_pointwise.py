"""The pointwise NTK margin: a path-following Newton method in the n dual variables only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import clarabel
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lowrot.data import Dataset
from lowrot.network import Network, activation, derivative
from lowrot.optima._conic import project, tight_settings

_CONIC_ENTRIES = 60_000
_CHUNK_ENTRIES = 2**18
_STEPS = 300
_SHRINK = 0.2
_CENTRED = 0.1
_HALVINGS = 12


@dataclass(frozen=True)
class Terms:
    """Value and derivatives of ``f_eps(q) = (1/m) sum_j sqrt(||B_j q||^2 + eps^2)``.

    ``B_j q = sum_i q_i G_ij`` is the block of neuron j.

    Attributes:
        value: f_eps(q).
        sharp: f(q) = f_0(q), an upper bound of the margin.
        gradient: shape (n,); its smallest entry is a margin attained, a lower bound.
        hessian: shape (n, n).
    """

    value: float
    sharp: float
    gradient: Tensor
    hessian: Tensor


class Smoothed:
    """``f_eps`` on (net, data); nothing larger than (n, chunk) is held."""

    def __init__(self, net: Network, data: Dataset, layers: str) -> None:
        self.net, self.data = net, data
        self.outer, self.inner = layers != "inner", layers != "outer"
        self.gram = data.X @ data.X.T

    def chunks(self) -> Iterator[slice]:
        """Yield slices of the neurons, small enough for a processor's cache."""
        size = max(64, _CHUNK_ENTRIES // self.data.n)
        for start in range(0, self.net.m, size):
            yield slice(start, start + size)

    def terms(self, q: Tensor, eps: float, hessian: bool = True) -> Terms:
        """Return value, gradient and (if asked) Hessian at q, shape (n,)."""
        net, X, y, n = self.net, self.data.X, self.data.y, self.data.n
        value = sharp = 0.0
        gradient, total = X.new_zeros(n), X.new_zeros(n, n)
        weight = y * q
        for part in self.chunks():
            z = X @ net.V[part].T
            S = activation(z, net.slope) if self.outer else z[:0]
            o = weight @ S if self.outer else z.new_zeros(z.shape[1])
            square = o.square()
            D = pushed = z[:0]
            if self.inner:
                D = derivative(z, net.slope).mul_(net.a[part])
                I = D.T @ (weight[:, None] * X)
                square = square + I.square().sum(dim=1)
                pushed = (X @ I.T).mul_(D)  # G_ij . B_j q y_i
                if self.outer:
                    pushed.addcmul_(S, o)
            r = (square + eps**2).sqrt()
            value += float(r.sum())
            sharp += float(square.sqrt().sum())
            gradient += pushed @ (1 / r) if self.inner else S @ (o / r)
            if not hessian:
                continue
            if not self.inner:  # r^-1 - o^2 r^-3 without its cancellation
                total += (S * (eps**2 / r**3)) @ S.T
                continue
            if self.outer:
                total += (S / r) @ S.T
            total += self.gram * ((D / r) @ D.T)
            pushed /= r**1.5
            total -= pushed @ pushed.T
        m = net.m
        return Terms(value / m, sharp / m, y * gradient / m, torch.outer(y, y) * total / m)

    def primal(self, q: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        """Return theta, blocks (m,) and (m, d), with ``||theta_j|| <= 1/sqrt(m)``."""
        outer, inner = self.net.gradient(self.data, q)
        outer, inner = outer * self.outer, inner * self.inner
        r = (outer.square() + inner.square().sum(dim=1) + eps**2).sqrt().clamp_min(1e-300)
        r *= math.sqrt(self.net.m)
        return outer / r, inner / r[:, None]


def newton(problem: Smoothed, tolerance: float) -> tuple[Tensor, float, Tensor]:
    """Follow ``min f_eps(q) - mu sum ln q`` over the simplex as eps and mu go to 0.

    Returns:
        The best dual point q, and the (eps, q) of the best primal point.
    """
    n = problem.data.n
    q = problem.data.X.new_full((n,), 1.0 / n)
    first = problem.terms(q, 0.0, hessian=False)
    if first.sharp == 0:
        return q, 0.0, q
    eps, mu = first.sharp, first.sharp / n
    upper, lower = first.sharp, -math.inf
    best, best_eps, best_primal = q, eps, q
    for _ in range(_STEPS):
        now = problem.terms(q, eps)
        if now.sharp < upper:
            upper, best = now.sharp, q
        if float(now.gradient.min()) > lower:
            lower, best_eps, best_primal = float(now.gradient.min()), eps, q
        if upper - lower <= tolerance * upper or upper <= 1e-14 * first.sharp:
            break
        slope = now.gradient - mu / q
        # A constant does not matter where sum step = 0; without it nothing cancels.
        slope = slope - q @ slope
        step, decrement = _newton_step(now.hessian + torch.diag(mu / q**2), slope)
        smoothing = now.sharp - float(q @ now.gradient)
        gap = now.sharp - float(now.gradient.min())
        moved = False
        if decrement > _CENTRED * mu or gap > 2.0 * (smoothing + n * mu):
            q, moved = _line_search(problem, q, step, decrement, eps, mu, now)
        if not moved:
            if mu < 1e-14 * first.sharp:
                break
            eps *= _SHRINK if smoothing > 0.3 * n * mu else 1.0
            mu *= _SHRINK if smoothing < 3.0 * n * mu else 1.0
    return best, best_eps, best_primal


def _newton_step(H: Tensor, g: Tensor) -> tuple[Tensor, float]:
    """Return the step in ``sum step = 0`` and its squared decrement."""
    scale = H.diagonal().rsqrt()
    scaled = scale[:, None] * H * scale + 1e-14 * torch.eye(len(g), dtype=H.dtype, device=H.device)
    factor = torch.linalg.cholesky_ex(scaled)[0]
    both = torch.stack([g * scale, scale], dim=1)
    solved = torch.cholesky_solve(both, factor) * scale[:, None]
    nu = solved[:, 0].sum() / solved[:, 1].sum()
    step = -(solved[:, 0] - nu * solved[:, 1])
    step = step - step.sum() / len(step)
    return step, float(-(g @ step))


def _line_search(
    problem: Smoothed, q: Tensor, step: Tensor, decrement: float, eps: float, mu: float, now: Terms
) -> tuple[Tensor, bool]:
    """Return a point with sufficient decrease along the step, and whether there is one."""
    shrinking = step < 0
    longest = float((-q / step)[shrinking].min()) if bool(shrinking.any()) else math.inf
    t = min(1.0, 0.95 * longest)
    barrier = float(q.log().sum())
    for _ in range(_HALVINGS):
        trial = q + t * step
        trial = trial / trial.sum()
        value = problem.terms(trial, eps, hessian=False).value
        rise = value - now.value - mu * (float(trial.log().sum()) - barrier)
        if rise <= -0.1 * t * decrement + 1e-15 * now.value and not torch.equal(trial, q):
            return trial, True
        t *= 0.5
    return q, False


def conic(net: Network, data: Dataset, layers: str) -> tuple[Tensor, tuple[Tensor, Tensor]] | None:
    """Solve small instances exactly as one cone program; None when it would be large.

    Returns:
        q, shape (n,), and theta, blocks (m,) and (m, d).
    """
    outer, inner = layers != "inner", layers != "outer"
    m, d, n = net.m, net.d, data.n
    k = outer + d * inner
    if n * m * k > _CONIC_ENTRIES:
        return None
    z = data.X @ net.V.T
    blocks = []
    if outer:
        blocks.append(activation(z, net.slope)[:, :, None])
    if inner:
        blocks.append((derivative(z, net.slope) * net.a)[:, :, None] * data.X[:, None, :])
    G = (torch.cat(blocks, dim=2) * data.y[:, None, None] / m).cpu().numpy().reshape(n, m * k)
    unit = float(np.abs(G).sum(axis=1).max()) or 1.0
    margin = np.hstack([-G / unit, np.ones((n, 1))])
    place = np.arange(m)
    rows = (place[:, None] * (k + 1) + 1 + np.arange(k)).ravel()
    balls = sparse.csc_matrix((-np.ones(m * k), (rows, np.arange(m * k))), (m * (k + 1), m * k + 1))
    b = np.zeros(m * (k + 1))
    b[place * (k + 1)] = 1.0
    variables = m * k + 1
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix((variables, variables)),
        np.append(np.zeros(m * k), -1.0),
        sparse.vstack([sparse.csc_matrix(margin), balls], format="csc"),
        np.concatenate([np.zeros(n), b]),
        [clarabel.NonnegativeConeT(n)] + [clarabel.SecondOrderConeT(k + 1) for _ in range(m)],
        tight_settings(),
    )
    solution = solver.solve()
    theta = torch.as_tensor(np.asarray(solution.x)[: m * k].reshape(m, k)).to(data.X)
    theta = theta / theta.norm(dim=1, keepdim=True).clamp_min(1.0) / math.sqrt(m)
    q = torch.as_tensor(project(np.asarray(solution.z)[:n])).to(data.X)
    first = theta[:, 0] if outer else theta.new_zeros(m)
    second = theta[:, outer:] if inner else theta.new_zeros(m, d)
    return q, (first, second)
