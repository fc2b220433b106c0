"""The linear margin."""

from __future__ import annotations

from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.optima._least_norm import least_norm
from lowrot.optima._optimum import TINY, Optimum, certify, like_inputs


def svm_margin(data: Dataset) -> Optimum[Tensor]:
    """Return the linear margin ``max_{||w|| = 1} min_i y_i w.x_i``.

    Args:
        data: n points of dimension d.

    Returns:
        An `Optimum` in the unit of the inputs; ``primal`` is the unit vector w, shape (d,), and
        the dual function is ``||sum_i q_i y_i x_i||``.

    Raises:
        NotSeparable: the data are not linearly separable through the origin.
        TypeError: anything but a `Dataset`.

    Source: chapter "Margins and their optima"; solved by Clarabel and an active-set polish.
    """
    _validate.kind("data", data, Dataset)
    signed = data.y[:, None] * data.X
    q = like_inputs(data, least_norm(signed.T.cpu().numpy()))
    point = q @ signed
    upper = float(point.norm())
    w = point / max(upper, TINY)
    return certify(
        data,
        value=float((signed @ w).min()),
        primal=w,
        q=q,
        upper=upper,
        proves="||sum_i q_i y_i x_i|| bounds every linear margin",
    )
