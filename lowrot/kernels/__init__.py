"""Kernels of two-layer networks of infinite width, that of parity, and predictors from them."""

from lowrot.kernels._ntk import ntk
from lowrot.kernels._parity import parity_kernel
from lowrot.kernels._predictors import KernelPredictor, interpolant
from lowrot.kernels._svm import KernelSVM, kernel_svm

__all__ = [
    "KernelPredictor",
    "KernelSVM",
    "interpolant",
    "kernel_svm",
    "ntk",
    "parity_kernel",
]
