"""The least norm of networks, of any width, that meet labels at linearly independent inputs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.network import Network
from lowrot.optima._conic import tight_settings

MOST_POINTS = 8
"""All 2^n patterns of active inputs are visited, each with both signs."""

_DEPENDENT = 1e-10
"""Smallest over largest singular value of inputs that are linearly dependent but for rounding."""

_KEPT = 1e-6
"""Neurons below this part of the largest are what an interior point leaves of zero."""

_SAME = 1e-5
"""Unit neurons of one sign closer than this are one, on a kink that two patterns share."""


@dataclass(frozen=True, eq=False)
class LeastInterpolant:
    """A network of least norm between two bounds; made by `least_interpolant`.

    Attributes:
        value: ``||W||^2/2`` of the network, an upper bound of the least.
        net: balanced, ``f(x_i) = y_i`` up to rounding.
        q: the dual point, shape (n,), with ``|sum_i q_i s(v.x_i)| <= 1`` for all unit v.
        lower: ``sum_i q_i y_i``: no network that meets the labels has a smaller ``||W||^2/2``.
        gap: ``(value - lower)/value``.
    """

    value: float
    net: Network
    q: Tensor
    lower: float
    gap: float


def least_interpolant(X: Tensor, y: Tensor) -> LeastInterpolant:
    """Return the ReLU network of least ``||W||^2/2``, of any width, with ``f(x_i) = y_i``.

    Neurons that are active on the same inputs and have one sign add up to one, so there is one
    cone program over the 2^n patterns. Its dual point is scaled until it is feasible by
    `largest_of_dual`, exactly: value and lower bound do not rest on the solver.

    Args:
        X: linearly independent inputs, at most 8, shape (n, d), of any norm.
        y: labels, not all zero, shape (n,).

    Raises:
        ValueError: inputs that are dependent or too many, labels that are all zero, shapes or
            devices that disagree, or entries that are not finite.
        TypeError: another dtype.

    Source: chapter "Neighbours"; Clarabel.
    """
    X = independent("X", X)
    y = _validate.real_array("y", y, (len(X),))
    _validate.same_device(X=X, y=y)
    labels, points = y.cpu().numpy(), X.cpu().numpy()
    size, length = np.abs(labels).max(), np.linalg.norm(points, axis=1).max()
    if size == 0:
        raise ValueError("y is zero; expected a label that is not")
    scaled = points / length
    neurons, signs, q = _program(scaled, labels / size)
    largest, _ = _largest(scaled, q)
    q = q / largest
    u, directions = _polished(scaled, labels / size, neurons, signs)
    per_unit = size / length
    value, lower = per_unit * float(np.abs(u).sum()), per_unit * float(q @ labels) / size
    roots = np.sqrt(np.abs(u) * per_unit)
    net = Network(
        X.new_tensor(np.sign(u) * roots), X.new_tensor(roots[:, None] * directions), slope=0.0
    )
    return LeastInterpolant(value, net, X.new_tensor(q / length), lower, (value - lower) / value)


def largest_of_dual(X: Tensor, q: Tensor) -> tuple[float, Tensor]:
    """Return the maximum of ``|sum_i q_i s(v.x_i)|`` over unit vectors v, exactly, and such a v.

    On each of the 2^n patterns of active inputs it is the length of a projection on a cone.

    Args:
        X: linearly independent inputs, at most 8, shape (n, d).
        q: any weights, not all zero, shape (n,).

    Returns:
        The maximum, and a unit vector that attains it, shape (d,).

    Raises:
        ValueError, TypeError: as `least_interpolant`.

    Source: chapter "Neighbours".
    """
    X = independent("X", X)
    q = _validate.real_array("q", q, (len(X),))
    _validate.same_device(X=X, q=q)
    if not bool(q.any()):
        raise ValueError("q is zero; expected a weight that is not")
    value, at = _largest(X.cpu().numpy(), q.cpu().numpy())
    return value, X.new_tensor(at)


def independent(name: str, value: Tensor) -> Tensor:
    """Return linearly independent inputs, few enough, checked.

    Raises:
        TypeError, ValueError: another dtype or shape, or inputs that are dependent or too many.
    """
    X = _validate.real_array(name, value, ("n", "d"))
    if len(X) > MOST_POINTS:
        raise ValueError(f"{name} has {len(X)} inputs; expected at most {MOST_POINTS}")
    sizes = np.linalg.svd(X.cpu().numpy(), compute_uv=False)
    if len(X) > X.shape[1] or sizes[-1] <= _DEPENDENT * sizes[0]:
        raise ValueError(f"{name} has dependent rows; expected linearly independent inputs")
    return X


def _patterns(n: int) -> list[Array]:
    """All sets of active inputs but the empty one, as truth values."""
    return [np.array(on) for on in itertools.product((True, False), repeat=n) if any(on)]


def _largest(X: Array, q: Array) -> tuple[float, Array]:
    """The maximum of ``|h|``: over the cone of a pattern, ``min ||g + B^T l||`` over l >= 0."""
    from scipy.optimize import nnls

    best, at = 0.0, np.zeros(X.shape[1])
    for on in _patterns(len(X)):
        g = (q * on) @ X
        cone = np.where(on, 1.0, -1.0)[:, None] * X
        for sign in (1.0, -1.0):
            multipliers, value = nnls(cone.T, -sign * g)
            if value > best:
                best, at = float(value), sign * g + multipliers @ cone
    return best, at / best


def _program(X: Array, y: Array) -> tuple[Array, Array, Array]:
    """The neurons ``|u_j| v_j``, shape (k, d), their signs, and the dual point.

    Variables are (norm, neuron) of each pattern and sign; rows: labels, cones, norms.
    """
    import clarabel

    n, d = X.shape
    found = [(on, sign) for on in _patterns(n) for sign in (1.0, -1.0)]
    k, labels, cones, norms = len(found), [], [], []
    for on, sign in found:
        labels.append(np.hstack([np.zeros((n, 1)), -sign * on[:, None] * X]))
        cones.append(np.hstack([np.zeros((n, 1)), -np.where(on, 1.0, -1.0)[:, None] * X]))
        norms.append(-np.eye(d + 1))
    A = sparse.vstack([np.hstack(labels), sparse.block_diag(cones), sparse.block_diag(norms)])
    b = np.concatenate([-y, np.zeros(k * (n + d + 1))])
    cost = np.tile(np.append(1.0, np.zeros(d)), k)
    kinds = [clarabel.ZeroConeT(n), clarabel.NonnegativeConeT(k * n)]
    kinds += [clarabel.SecondOrderConeT(d + 1)] * k
    nothing = sparse.csc_matrix((len(cost), len(cost)))
    solver = clarabel.DefaultSolver(nothing, cost, A.tocsc(), b, kinds, tight_settings())
    solution = solver.solve()
    w = np.array(solution.x).reshape(k, d + 1)[:, 1:]
    q = np.array(solution.z)[:n]
    return w, np.array([sign for _, sign in found]), q if q @ y > 0 else -q


def _polished(X: Array, y: Array, w: Array, signs: Array) -> tuple[Array, Array]:
    """The weights u of the few unit neurons that matter, moved until the labels are met."""
    sizes = np.linalg.norm(w, axis=1)
    merged: list[tuple[float, Array]] = []
    for j in np.flatnonzero(sizes > _KEPT * sizes.max()):
        for place, (sign, sum_of) in enumerate(merged):
            apart = w[j] / sizes[j] - sum_of / np.linalg.norm(sum_of)
            if sign == signs[j] and np.linalg.norm(apart) < _SAME:
                merged[place] = (sign, sum_of + w[j])
                break
        else:
            merged.append((signs[j], w[j]))
    neurons = np.array([neuron for _, neuron in merged])
    lengths = np.linalg.norm(neurons, axis=1)
    u, directions = np.array([sign for sign, _ in merged]) * lengths, neurons / lengths[:, None]
    features = np.maximum(X @ directions.T, 0.0)
    return u + np.linalg.pinv(features, rcond=_SAME) @ (y - features @ u), directions
