"""Predictors that are combinations of a kernel's functions at the samples."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset

Kernel = Callable[[Tensor, Tensor], Tensor]
"""``kernel(X, Z)`` returns the matrix of shape (n, k)."""

_CHUNK_ENTRIES = 2**21
"""Largest number of kernel values held at once: 16 MB in float64."""

_RANK = 1e-10
"""Eigenvalues of a kernel up to this times the largest are zero but for rounding."""


@dataclass(frozen=True, eq=False)
class KernelPredictor:
    """``f(x) = sum_i c_i k(x, x_i) + b``, in the span of n functions fixed by the inputs.

    Args:
        kernel: the function k.
        X: the samples x_i, shape (n, d).
        weights: c, shape (n,).
        bias: the offset b.
        rank: of the kernel matrix of the samples, as far as it was computed: the dimension of the
            span, at most n.

    Raises:
        TypeError, ValueError: arrays of another dtype, shape or device, or not finite.
    """

    kernel: Kernel
    X: Tensor
    weights: Tensor
    bias: float = 0.0
    rank: int | None = None

    def __post_init__(self) -> None:
        _check_kernel(self.kernel)
        X = _validate.real_array("X", self.X, ("n", "d"), copy=True)
        weights = _validate.real_array("weights", self.weights, (len(X),), copy=True)
        _validate.same_device(X=X, weights=weights)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "bias", _validate.number("bias", self.bias))

    def __call__(self, X: Tensor) -> Tensor:
        """Return f(x), shape (k,), for inputs of shape (k, d).

        Raises:
            TypeError, ValueError: another dtype, shape or device, or entries that are not finite.
        """
        X = _validate.real_array("X", X, ("k", self.X.shape[1]))
        _validate.same_device(X=X, samples=self.X)
        used = self.weights != 0
        if not bool(used.any()):
            return X.new_full((len(X),), self.bias)
        samples, weights = self.X[used], self.weights[used]
        size = max(1, _CHUNK_ENTRIES // len(samples))
        parts = [self.kernel(part, samples) @ weights for part in X.split(size)]
        return torch.cat(parts) + self.bias


def _check_kernel(kernel: object) -> None:
    """Check that a call with two arguments is possible, as far as a function says.

    Raises:
        TypeError: it is not.
    """
    try:
        inspect.signature(kernel).bind(0, 0)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"kernel is {kernel!r}; expected a function kernel(X, Z)") from None
    except ValueError:  # compiled functions may say nothing
        return


def gram(kernel: Kernel, data: Dataset) -> Tensor:
    """Return the kernel matrix of the inputs, symmetric, checked.

    Raises:
        TypeError: no function, no `Dataset`, or a matrix of another dtype.
        ValueError: a matrix of another shape, or not finite.
    """
    _validate.kind("data", data, Dataset)
    _check_kernel(kernel)
    K = _validate.real_array("the value of kernel", kernel(data.X, data.X), (data.n, data.n))
    return (K + K.T) / 2


def interpolant(kernel: Kernel, data: Dataset) -> KernelPredictor:
    """Return the interpolant of least norm: ridge regression on the labels, ridge -> 0.

    Where the kernel matrix is singular and labels cannot be met, the least squares fit of least
    norm.

    Args:
        kernel: positive semidefinite, called as ``kernel(X, Z)``.
        data: n samples.

    Returns:
        The predictor, its weights ``K^+ y`` and the rank of K (eigenvalues above 1e-10 of the
        largest count).

    Raises:
        ValueError: a kernel matrix that is zero, not positive semidefinite, not finite or of
            another shape.
        TypeError: no function, or no `Dataset`.

    Source: chapter "Sample complexity".
    """
    K = gram(kernel, data)
    values, vectors = torch.linalg.eigh(K)
    largest = float(values[-1])
    if not largest > 0 or float(values[0]) < -_RANK * len(K) * largest:
        raise ValueError(
            f"the kernel matrix has eigenvalues from {float(values[0]):.3g} to {largest:.3g}; "
            "expected a positive semidefinite one that is not zero"
        )
    kept = values > _RANK * largest
    basis = vectors[:, kept]
    weights = basis @ ((basis.T @ data.y) / values[kept])
    return KernelPredictor(kernel, data.X, weights, rank=int(kept.sum()))
