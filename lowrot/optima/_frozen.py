"""The margin of frozen features, a linear program."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import activation
from lowrot.optima._margin_program import margin_program
from lowrot.optima._optimum import (
    _MANY_POINTS,
    GAP,
    LARGE,
    Optimum,
    _certify,
    _same_space,
    _to,
)

_UNIT_SLACK = 1e-9

_CHUNK_ENTRIES = 2**22


def frozen_margin(
    directions: Tensor, signs: Tensor, data: Dataset, *, slope: float = 0.0
) -> Optimum[Tensor]:
    """Return the margin of frozen features, a linear program.

    ``max min_i y_i sum_j u_j s(v_j.x_i)`` subject to ``||u||_1 <= 1`` and ``sign(u_j) = s_j`` or
    ``u_j = 0``. Its dual function is ``max_j s_j sum_i q_i y_i s(v_j.x_i)``.

    Args:
        directions: unit rows v_j, shape (m, d).
        signs: s_j in {-1, +1}, shape (m,).
        data: the data.
        slope: of the activation for negative inputs, in [0, 1].

    Returns:
        An `Optimum`; ``primal`` is u, shape (m,), with at most n + 1 nonzeros.

    Raises:
        NotSeparable: no such u has a positive margin.
        ValueError: rows that are not unit vectors, signs other than -1 and +1, or shapes or
            devices that disagree.

    Source: chapters "Margins and their optima" and "No rotation"; HiGHS with column generation,
    exact pricing chunked over m.
    """
    _validate.kind("data", data, Dataset)
    V = _validate.real_array("directions", directions, ("m", data.d))
    s = _validate.signs("signs", signs, V.shape[0])
    slope = _validate.number("slope", slope, 0.0, 1.0)
    _same_space("directions", V, data)
    _validate.same_device(directions=V, signs=s)
    off = (V.norm(dim=1) - 1).abs()
    if float(off.max()) > _UNIT_SLACK:
        j = int(off.argmax())
        raise ValueError(
            f"directions[{j}] has norm {float(V[j].norm()):.6g}; expected unit rows "
            "(divide each by its norm)"
        )
    m, size = len(V), max(1, _CHUNK_ENTRIES // data.n)

    def columns(index: np.ndarray) -> np.ndarray:
        at = torch.as_tensor(index, device=V.device)
        z = activation(data.X @ V[at].T, slope)
        out: np.ndarray = (data.y[:, None] * z * s[at]).cpu().numpy()
        return out

    def price(q: np.ndarray) -> np.ndarray:
        weight = data.y * _to(data, q)
        scores = torch.empty_like(s)
        for part in (slice(k, k + size) for k in range(0, m, size)):
            scores[part] = s[part] * (weight @ activation(data.X @ V[part].T, slope))
        out: np.ndarray = scores.cpu().numpy()
        return out

    working, weights, dual = margin_program(columns, price, data.n, m, tolerance=0.1 * GAP)
    u = torch.zeros_like(s)
    u[torch.as_tensor(working, device=V.device)] = _to(data, weights)
    q = _to(data, dual)
    value = float(torch.as_tensor(columns(working) @ weights).min())
    upper = float(price(dual).max())
    proves = "max_j s_j sum_i q_i y_i s(v_j.x_i) bounds every margin of these features"
    large = data.n > _MANY_POINTS or data.n * m > LARGE
    return _certify(value, upper, s * u, q, data, proves, large)
