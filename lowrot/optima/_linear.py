"""The linear margin."""

from __future__ import annotations

from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.optima._active_set import separate
from lowrot.optima._least_norm import least_norm
from lowrot.optima._optimum import Bounds, Optimum, like_inputs, maximal_margin


def svm_margin(data: Dataset) -> Optimum[Tensor]:
    """Return the linear margin ``max_{||w|| = 1} min_i y_i w.x_i``.

    Args:
        data: n points of dimension d.

    Returns:
        An `Optimum` in the unit of the inputs; ``primal`` is the unit vector w, shape (d,), and
        the dual function is ``||sum_i q_i y_i x_i||``. Its gap is at most 1e-6 for margins down to
        1e-9 of ``sum_i q_i ||x_i||``; smaller ones are returned uncertified, with a warning, as
        long as w separates the data.

    Raises:
        NotSeparable: the data are not linearly separable through the origin, or not beyond
            rounding.
        TypeError: anything but a `Dataset`.

    Source: chapter "Margins and their optima"; solved by Clarabel and active-set methods.
    """
    _validate.kind("data", data, Dataset)
    proves = "||sum_i q_i y_i x_i|| bounds every linear margin"
    return maximal_margin(bounds, data, proves=proves)


def bounds(data: Dataset) -> Bounds[Tensor]:
    """Solve for the linear margin."""
    signed = data.y[:, None] * data.X
    A = signed.T.cpu().numpy()
    solved = separate(A, least_norm(A))
    q, w = like_inputs(data, solved.q), like_inputs(data, solved.w)
    return Bounds(w, signed @ w, data.X.norm(dim=1), q, float((q @ signed).norm()))
