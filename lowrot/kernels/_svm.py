"""The hard-margin kernel SVM, by scikit-learn, with a certificate of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.kernels._predictors import Kernel, KernelPredictor, gram

_BOUND = 1e6
"""Largest weight of a sample, in units of 1/max K_ii: margins down to 1e-3 of the largest feature
vector have smaller ones. Beyond, the data count as not separable by this kernel."""

_CLIPPED = 0.999
"""Weights above this part of the largest are at it, up to the solver's tolerance."""

_TOLERANCE = 1e-6
"""Of the optimality conditions: the tightest that scikit-learn's solver reaches reliably."""

_STEPS = 10_000_000
"""Steps of the solver at most: data that it cannot separate would never end."""


_NOT_SEPARATED = (
    "the kernel does not separate the samples, or only with a margin below 1e-3 of the longest "
    "feature vector"
)


@dataclass(frozen=True, eq=False)
class KernelSVM:
    """The hard-margin SVM of a kernel, between two bounds of its margin.

    Attributes:
        predictor: f, whose least margin on the samples is 1.
        margin: ``min_i y_i f(x_i)/||w||``, w the weight vector in feature space (without bias).
        upper: the dual function at a feasible dual point: no hyperplane has a larger margin.
        gap: ``(upper - margin)/upper``.
        radius: the largest norm ``sqrt(k(x_i, x_i))`` of a feature vector.
        support: number of samples that have weight.
    """

    predictor: KernelPredictor
    margin: float
    upper: float
    gap: float
    radius: float
    support: int

    def __call__(self, X: Tensor) -> Tensor:
        """Return f(x), shape (k,), for inputs of shape (k, d)."""
        return self.predictor(X)

    @property
    def ratio(self) -> float:
        """``radius^2/margin^2``, whose mean `theorems.leave_one_out` wants (without bias)."""
        return (self.radius / self.margin) ** 2


def kernel_svm(
    kernel: Kernel, data: Dataset, *, bias: bool = False, tolerance: float = _TOLERANCE
) -> KernelSVM:
    """Return the hard-margin SVM of a kernel.

    Args:
        kernel: positive semidefinite, called as ``kernel(X, Z)``.
        data: n samples.
        bias: whether the hyperplane may miss the origin; networks have no bias, and the
            leave-one-out bound is for none. Both labels must be there then.
        tolerance: of scikit-learn's solver; the gap says what it led to.

    Returns:
        The SVM; its gap is evaluated from the weights returned, and not the solver's word.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed (the extra ``kernels``).
        ValueError: samples that the kernel does not separate (or with a margin below 1e-3 of the
            longest feature vector), one label only with a bias, or a matrix of another shape, not
            finite or without a positive diagonal.
        TypeError: no function, or no `Dataset`.

    Source: chapter "Sample complexity"; C.-C. Chang and C.-J. Lin, LIBSVM, ACM TIST 2, 2011.
    """
    bias = _validate.flag("bias", bias)
    tolerance = _validate.number("tolerance", tolerance, 1e-12, 0.1)
    K, y = gram(kernel, data).cpu().numpy(), data.y.cpu().numpy()
    if bias and np.all(y == y[0]):
        raise ValueError(f"data has the label {y[0]:g} only; an SVM with a bias needs both")
    largest = float(K.diagonal().max())
    if not largest > 0:
        raise ValueError(f"the kernel has k(x, x) <= {largest:g} at every sample; expected > 0")
    c = _solve(K / largest, y, tolerance) if bias else _solve_centred(K / largest, y, tolerance)
    outputs = K @ c
    length = float(np.sqrt(max(c @ outputs, 0.0)))
    shift = -(outputs[y > 0].min() + outputs[y < 0].max()) / 2 if bias else 0.0
    least = float((y * (outputs + shift)).min())
    if not (least > 0 and length > 0):
        raise ValueError(_NOT_SEPARATED)
    upper = length / float(np.abs(c).sum())
    margin = min(least / length, upper)
    weights = torch.as_tensor(c / least).to(data.X)
    predictor = KernelPredictor(kernel, data.X, weights, float(shift / least))
    support, radius = int((c != 0).sum()), float(np.sqrt(largest))
    return KernelSVM(predictor, margin, upper, (upper - margin) / upper, radius, support)


def _solve_centred(K: np.ndarray, y: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the signed weights without a bias.

    Every sample is taken with its opposite too, of the other label: the best hyperplane of such
    data goes through the origin, and is the one sought.
    """
    doubled = np.block([[K, -K], [-K, K]])
    c = _solve(doubled, np.concatenate([y, -y]), tolerance)
    return c[: len(y)] - c[len(y) :]


def _solve(K: np.ndarray, y: np.ndarray, tolerance: float) -> np.ndarray:
    """Return signed weights ``c_i``, of sum 0 and the signs y, for a kernel of diagonal <= 1."""
    machine = _svc()(kernel="precomputed", C=_BOUND, tol=tolerance, max_iter=_STEPS, cache_size=500)
    machine.fit(K, y)
    c = np.zeros(len(y))
    c[machine.support_] = machine.dual_coef_[0]
    if np.abs(c).max() > _CLIPPED * _BOUND or machine.fit_status_ != 0:
        raise ValueError(_NOT_SEPARATED)
    # Each label's weights sum to the same, exactly: the dual point is feasible with a bias.
    for label in (1.0, -1.0):
        c[y == label] /= np.abs(c[y == label]).sum()
    return c


def _svc() -> Any:
    """Return scikit-learn's classifier.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        from sklearn.svm import SVC
    except ImportError as error:
        raise ModuleNotFoundError(
            "kernel_svm needs scikit-learn (pip install 'lowrot[kernels]')", name="sklearn"
        ) from error
    return SVC
