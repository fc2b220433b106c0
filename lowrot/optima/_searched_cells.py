"""The dual function of the global margin where its cells are too many: met by a search only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lowrot._hyperplanes import Hyperplanes
from lowrot._validate import Array
from lowrot.optima._arrangement import Arrangement
from lowrot.optima._cell_problem import CellProblem, Pairs, Priced
from lowrot.optima._optimum import TINY

_STEPS = 100
"""Steps of ascent of all starts: their lengths halve when they gain nothing."""

_FIRST_STEP = 0.5
"""Length of the first step on the unit sphere."""

_SHORTEST_STEP = 1e-9
"""Below it a start stands still."""


_EXACT = 60
"""Cells whose maxima are computed exactly, the highest ones: a least-squares problem each."""

_AGAIN = 2
"""Times that the highest maxima are shaken, and left to ascend again."""

_SHAKEN = 10
"""Maxima that are shaken."""

_SHAKES = 8
"""Directions that each becomes."""

_SHAKE = 0.03
"""How far: over some of the kinks on which a maximum stands."""


class _Met(NamedTuple):
    """Ends of ascents.

    Attributes:
        v: inside their cells, shape (k, r).
        best: where the maximum over the cell is, as far as it is known, shape (k, r).
        sign: of the dual function's inside, shape (k,).
        height: its value at ``best``, shape (k,).
    """

    v: Array
    best: Array
    sign: Array
    height: Array


def _joined(one: _Met, other: _Met) -> _Met:
    return _Met(*(np.concatenate(parts) for parts in zip(one, other)))


class SearchedProblem(CellProblem):
    """The same problem over the cells that ascents from random directions have met.

    Its prices are lower bounds of the dual function: `Priced.bound` is the largest value met.

    Attributes:
        starts: random directions a pricing, beside those of all known cells.
    """

    def __init__(
        self, hyperplanes: Hyperplanes, y: Array, slope: float, starts: int, seed: int
    ) -> None:
        normals = hyperplanes.normals
        self.starts, self.rng = starts, np.random.default_rng(seed)
        empty = np.zeros((0, len(normals)), dtype=np.int8)
        nothing = Arrangement(normals, empty, np.zeros((0, normals.shape[1])), 0.0)
        self._set(hyperplanes, y, slope, nothing)
        self._place: dict[bytes, int] = {}
        self._enter(np.concatenate([self._random(), hyperplanes.normals, -hyperplanes.normals]))

    def facets(self, cell: int) -> Array:
        """Return all hyperplanes: which of them bound the cell is not known."""
        return np.arange(len(self.normals))

    def price(self, q: Array, target: float) -> Priced:
        """Return the largest value of the dual function met, and where it exceeds ``target``."""
        weights = q * self.y
        met = self._met(np.concatenate([self.cells.inside, self._random()]), weights, _FIRST_STEP)
        for _ in range(_AGAIN):
            tops = self._exact(met, weights)
            near = tops.best[:_SHAKEN].repeat(_SHAKES, axis=0)
            near = near + _SHAKE * self.rng.standard_normal(near.shape)
            near /= np.linalg.norm(near, axis=1, keepdims=True)
            met = _joined(tops, self._met(near, weights, _SHAKE))
        tops = self._exact(met, weights)
        above = np.flatnonzero(tops.height > target)
        cell = self._enter(tops.v[above])
        highest = float(tops.height.max(initial=0.0))
        return Priced(highest, Pairs(cell, tops.sign[above]), tops.best[above])

    def _met(self, first: Array, weights: Array, step: float) -> _Met:
        """Return where ascents of both signs end."""
        ends = [self._ascend(first, sign * weights, step) for sign in (1.0, -1.0)]
        V, height = (np.concatenate(parts) for parts in zip(*ends))
        return _Met(V, V, np.repeat([1.0, -1.0], len(first)), height)

    def _exact(self, met: _Met, weights: Array) -> _Met:
        """Return the highest ends, one a cell and sign, with the exact maxima over their cells."""
        from scipy.optimize import nnls

        order = np.argsort(-met.height)
        signs = np.where(met.v[order] @ self.normals.T >= 0, 1, -1).astype(np.int8)
        marked = np.column_stack([signs, met.sign[order].astype(np.int8)])
        _, first = np.unique(marked, axis=0, return_index=True)
        first = np.sort(first)[:_EXACT]
        kept, signs = order[first], signs[first]
        best, height = met.best[kept].copy(), met.height[kept].copy()
        for k, (row, sign) in enumerate(zip(signs, met.sign[kept])):
            active = np.where(row[self.plane] * self.side > 0, 1.0, self.slope)
            gradient = sign * (weights * active) @ self.points
            A = row[:, None] * self.normals
            try:
                multiplier, _ = nnls(A.T, -gradient)
            except RuntimeError:  # the end of the ascent stands
                continue
            w = gradient + A.T @ multiplier
            length = float(np.linalg.norm(w))
            if length > max(height[k], 0.0):
                best[k], height[k] = w / length, length
        again = np.argsort(-height)
        return _Met(met.v[kept][again], best[again], met.sign[kept][again], height[again])

    def _random(self) -> Array:
        V = self.rng.standard_normal((self.starts, self.normals.shape[1]))
        out: Array = V / np.linalg.norm(V, axis=1, keepdims=True)
        return out

    def _enter(self, V: Array) -> Array:
        """Return the cell of each direction, entered if it is new, shape (k,)."""
        signs = np.where(V @ self.normals.T >= 0, 1, -1).astype(np.int8)
        place = np.empty(len(V), dtype=np.intp)
        new = []
        for k, row in enumerate(signs):
            name = row.tobytes()
            if name not in self._place:
                self._place[name] = len(self._place)
                new.append(k)
            place[k] = self._place[name]
        self.orientation = np.concatenate([self.orientation, signs[new]])
        inside = np.concatenate([self.cells.inside, V[new]])
        self.cells = Arrangement(self.normals, self.orientation, inside, 0.0)
        return place

    def _ascend(self, V: Array, weights: Array, first: float) -> tuple[Array, Array]:
        """Return directions of local maxima of ``sum_i c_i s(v.x_i)``, and their values."""
        height, gradient = self._value(V, weights)
        step = np.full(len(V), first)
        for _ in range(_STEPS):
            moved = V + step[:, None] * gradient
            moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), TINY)
            higher, slope = self._value(moved, weights)
            gains = higher > height
            V = np.where(gains[:, None], moved, V)
            gradient = np.where(gains[:, None], slope, gradient)
            height = np.where(gains, higher, height)
            step = np.where(gains, step, step / 2)
            if step.max() < _SHORTEST_STEP:
                break
        return V, height

    def _value(self, V: Array, weights: Array) -> tuple[Array, Array]:
        """Return the function and the unit gradients along the sphere, at directions V."""
        z = V @ self.points.T
        slopes = np.where(z > 0, 1.0, self.slope) * weights
        gradient = slopes @ self.points
        height: Array = (slopes * z).sum(axis=1)
        gradient -= (gradient * V).sum(axis=1, keepdims=True) * V
        gradient /= np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), TINY)
        return height, gradient
