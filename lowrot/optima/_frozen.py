"""The margin of frozen features, a linear program."""

from __future__ import annotations

import torch
from torch import Tensor

from lowrot import _validate
from lowrot._validate import Array
from lowrot.data import Dataset
from lowrot.network import activation
from lowrot.optima._margin_program import margin_program
from lowrot.optima._optimum import GAP, Optimum, certify, check_space, like_inputs

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

    ``max min_i y_i sum_j u_j s(v_j.x_i)`` subject to ``||u||_1 <= 1`` and ``sign(u_j) = s_j`` or
    ``u_j = 0``. Its dual function is ``max_j s_j sum_i q_i y_i s(v_j.x_i)``.

    Args:
        directions: unit rows v_j, shape (m, d).
        signs: s_j in {-1, +1}, shape (m,).
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
    features = _FrozenFeatures(directions, signs, data, slope)
    m = len(features.V)
    solved = margin_program(features.columns, features.price, data.n, m, tolerance=_TOLERANCE)
    u = torch.zeros_like(features.signs)
    u[torch.as_tensor(solved.working, device=u.device)] = like_inputs(data, solved.u)
    return certify(
        data,
        value=float(torch.as_tensor(features.columns(solved.working) @ solved.u).min()),
        primal=features.signs * u,
        q=like_inputs(data, solved.q),
        upper=float(features.price(solved.q).max()),
        proves="max_j s_j sum_i q_i y_i s(v_j.x_i) bounds every margin of these features",
        m=m,
    )


class _FrozenFeatures:
    """The matrix ``s_j y_i s(v_j.x_i)`` of the linear program, never held whole."""

    def __init__(self, directions: Tensor, signs: Tensor, data: Dataset, slope: float) -> None:
        self.data = _validate.kind("data", data, Dataset)
        self.V = _validate.real_array("directions", directions, ("m", data.d))
        self.signs = _validate.signs("signs", signs, self.V.shape[0])
        self.slope = _validate.number("slope", slope, 0.0, 1.0)
        check_space("directions", self.V, data)
        _validate.same_device(directions=self.V, signs=self.signs)
        _check_unit_rows(self.V)

    def columns(self, index: Array) -> Array:
        """Return the columns asked for, shape (n, len(index))."""
        at = torch.as_tensor(index, device=self.V.device)
        z = activation(self.data.X @ self.V[at].T, self.slope)
        out: Array = (self.data.y[:, None] * z * self.signs[at]).cpu().numpy()
        return out

    def price(self, q: Array) -> Array:
        """Return ``s_j sum_i q_i y_i s(v_j.x_i)`` of every feature, shape (m,)."""
        weight = self.data.y * like_inputs(self.data, q)
        scores = torch.empty_like(self.signs)
        size = max(1, _CHUNK_ENTRIES // self.data.n)
        for part in (slice(k, k + size) for k in range(0, len(self.V), size)):
            features = activation(self.data.X @ self.V[part].T, self.slope)
            scores[part] = self.signs[part] * (weight @ features)
        out: Array = scores.cpu().numpy()
        return out


def _check_unit_rows(V: Tensor) -> None:
    off = (V.norm(dim=1) - 1).abs()
    if float(off.max()) > _UNIT_SLACK:
        j = int(off.argmax())
        raise ValueError(
            f"directions[{j}] has norm {float(V[j].norm()):.6g}; expected unit rows "
            "(divide each by its norm)"
        )
