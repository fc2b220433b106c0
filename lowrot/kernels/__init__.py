"""Kernels of two-layer networks of infinite width, that of parity, and predictors from them."""

from lowrot.kernels._floor import outer_floor
from lowrot.kernels._ntk import ntk
from lowrot.kernels._parity import parity_kernel
from lowrot.kernels._predictors import KernelPredictor, interpolant
from lowrot.kernels._spline import Spline, spline_interpolant, spline_kernel
from lowrot.kernels._svm import KernelSVM, kernel_svm

__all__ = [
    "KernelPredictor",
    "KernelSVM",
    "Spline",
    "interpolant",
    "kernel_svm",
    "ntk",
    "outer_floor",
    "parity_kernel",
    "spline_interpolant",
    "spline_kernel",
]
