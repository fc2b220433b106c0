"""The margin of frozen features, a linear program."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import activation
from lowrot.optima._margin_program import margin_program
from lowrot.optima._optimum import (
    GAP,
    Bounds,
    Optimum,
    check_space,
    like_inputs,
    maximal_margin,
)

_UNIT_SLACK = 1e-9
"""Rows this close to length 1 are unit rows: nine digits of somebody's normalization."""

_CHUNK_ENTRIES = 2**22
"""Largest number of (point, neuron) pairs held at once by pricing: 32 MB in float64."""

_TOLERANCE = 0.1 * GAP
"""Relative gap at which column generation stops: a digit is left to the final evaluation."""


def frozen_margin(
    directions: Tensor, signs: Tensor, data: Dataset, *, slope: float = 0.0
) -> Optimum[Tensor]:
    """Return the margin of frozen features, a linear program.

    ``max min_i y_i sum_j u_j s(v_j.x_i)`` subject to ``||u||_1 <= 1`` and ``sign(u_j) = chi_j`` or
    ``u_j = 0``. Its dual function is ``max_j chi_j sum_i q_i y_i s(v_j.x_i)``.

    Args:
        directions: unit rows v_j, shape (m, d).
        signs: chi_j in {-1, +1}, shape (m,).
        data: n points of dimension d.
        slope: of the activation for negative inputs, in [0, 1].

    Returns:
        An `Optimum` in the unit of the inputs; ``primal`` is u, shape (m,), with at most n + 1
        nonzeros.

    Raises:
        NotSeparable: no such u has a positive margin.
        ValueError: rows that are not unit vectors, signs other than -1 and +1, a slope outside
            [0, 1], or shapes or devices that disagree.
        TypeError: dtypes other than float64, or data that are not a `Dataset`.

    Source: chapters "Margins and their optima" and "No rotation"; HiGHS with column generation,
    exact pricing chunked over m.
    """
    features = _checked(directions, signs, data, slope)
    return maximal_margin(
        lambda data: _bounds(replace(features, data=data)),
        data,
        proves="max_j chi_j sum_i q_i y_i s(v_j.x_i) bounds every margin of these features",
        m=len(features.V),
    )


@dataclass(frozen=True, eq=False)
class _FrozenFeatures:
    """The matrix ``chi_j y_i s(v_j.x_i)`` of the linear program, never held whole."""

    data: Dataset
    V: Tensor
    signs: Tensor
    slope: float

    def columns(self, index: Array) -> Array:
        """Return the columns asked for, shape (n, len(index))."""
        at = torch.as_tensor(index, device=self.V.device)
        z = activation(self.data.X @ self.V[at].T, self.slope)
        out: Array = (self.data.y[:, None] * z * self.signs[at]).cpu().numpy()
        return out

    def price(self, q: Array) -> Array:
        """Return ``chi_j sum_i q_i y_i s(v_j.x_i)`` of every feature, shape (m,)."""
        weight = self.data.y * like_inputs(self.data, q)
        scores = torch.empty_like(self.signs)
        size = max(1, _CHUNK_ENTRIES // self.data.n)
        for part in (slice(k, k + size) for k in range(0, len(self.V), size)):
            features = activation(self.data.X @ self.V[part].T, self.slope)
            scores[part] = self.signs[part] * (weight @ features)
        out: Array = scores.cpu().numpy()
        return out


def _checked(directions: Tensor, signs: Tensor, data: Dataset, slope: float) -> _FrozenFeatures:
    """Return the features of valid arguments."""
    _validate.kind("data", data, Dataset)
    V = _validate.real_array("directions", directions, ("m", data.d))
    signs = _validate.signs("signs", signs, V.shape[0])
    slope = _validate.number("slope", slope, 0.0, 1.0)
    check_space("directions", V, data)
    _validate.same_device(directions=V, signs=signs)
    _check_unit_rows(V)
    return _FrozenFeatures(data, V, signs, slope)


def _bounds(features: _FrozenFeatures) -> Bounds[Tensor]:
    """Solve the linear program."""
    data, m = features.data, len(features.V)
    solved = margin_program(features.columns, features.price, data.n, m, tolerance=_TOLERANCE)
    u = torch.zeros_like(features.signs)
    u[torch.as_tensor(solved.working, device=u.device)] = like_inputs(data, solved.u)
    return Bounds(
        features.signs * u,
        like_inputs(data, features.columns(solved.working) @ solved.u),
        data.X.norm(dim=1),
        like_inputs(data, solved.q),
        float(features.price(solved.q).max()),
    )


def _check_unit_rows(V: Tensor) -> None:
    off = (V.norm(dim=1) - 1).abs()
    if float(off.max()) > _UNIT_SLACK:
        j = int(off.argmax())
        raise ValueError(
            f"directions[{j}] has norm {float(V[j].norm()):.6g}; expected unit rows "
            "(divide each by its norm)"
        )
