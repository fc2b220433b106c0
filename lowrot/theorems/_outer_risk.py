"""The exact risk of a network whose outer layer alone is trained, on Gaussian inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.kernels import ntk
from lowrot.network import Network, activation
from lowrot.theorems._theorem import Hypothesis, Statement, nonnegative

_SINGULAR = 1e-12
"""Smallest over largest singular value of features that do not span: rounding."""


class OuterRisk(Statement):
    """Risk of gradient flow on the outer weights from 0; build it with `outer_risk`.

    ``F`` are the features at the samples, shape (n, m), ``K = F F^T``; time is that of
    `regression_flow` with the rates (1, 0).

    Attributes:
        net: the network; its outer weights play no role.
        X: the samples, shape (n, d).
        target: the regression function.
        singular: singular values of F, falling, shape (n,); their squares are the eigenvalues of K.
        hypotheses: K is invertible.
    """

    def __init__(self, net: Network, X: Tensor, target: Network) -> None:
        self.net, self.X, self.target = net, X, target
        F = activation(X @ net.V.T, net.slope)
        U, singular, Zt = torch.linalg.svd(F, full_matrices=False)
        self.singular = singular
        self._left, self._right = U, Zt
        slope = net.slope
        second = Zt @ ntk(net.V, block="outer", slope=slope) @ Zt.T
        self._second = second.numpy()
        self._cross = (Zt @ (ntk(net.V, target.V, "outer", slope=slope) @ target.a)).numpy()
        self._signal = (U.T @ target(X)).numpy()
        self.target_power = float(target.a @ ntk(target.V, block="outer", slope=slope) @ target.a)
        ratio = float(singular[-1] / singular[0]) if len(Zt) == len(X) else 0.0
        statement = r"features span: $\lambda_{\min}(K)/\lambda_{\max}(K)$"
        self.hypotheses = [Hypothesis(statement, ratio**2, "$> 0$", ratio > _SINGULAR)]

    def variance(self, t: Any) -> np.ndarray:
        """``V(t)``: excess risk per unit of noise variance; never falls with t.

        Args:
            t: times >= 0, of any shape; infinity for the end of training.

        Returns:
            Of the shape of t.

        Raises:
            ValueError: negative times or NaN, or features that do not span.
            TypeError: no real numbers.
        """
        # Summed in one order, so that rounding, too, never lets it fall.
        return np.asarray((self._gain(t) ** 2 * self._second.diagonal()).sum(axis=-1))

    def bias_squared(self, t: Any) -> np.ndarray:
        """``E_x (E_noise f_t(x) - f*(x))^2``, what the noiseless labels leave.

        Args and errors are those of `variance`.
        """
        b = self._gain(t) * self._signal
        return np.asarray(
            ((b @ self._second) * b).sum(axis=-1) - 2 * b @ self._cross + self.target_power
        )

    def risk(self, t: Any, sigma: float) -> np.ndarray:
        """Mean excess risk over noise of standard deviation sigma: bias and variance.

        Args:
            t: as for `variance`.
            sigma: of the noise, >= 0.

        Raises:
            ValueError, TypeError: as for `variance`, or a sigma that is no number >= 0.
        """
        sigma = _validate.number("sigma", sigma, 0.0)
        return np.asarray(self.bias_squared(t) + sigma**2 * self.variance(t))

    def weights(self, t: float, y: Tensor) -> Tensor:
        """Outer weights at time t of the flow on labels y, shape (m,).

        Args:
            t: a time >= 0, or infinity.
            y: labels, shape (n,).

        Raises:
            ValueError, TypeError: as for `variance`, or labels of another shape or dtype.
        """
        y = _validate.real_array("y", y, (len(self.X),))
        gain = self._gain(_validate.real("t", t))
        return self._right.T @ (torch.as_tensor(gain) * (self._left.T @ y))

    def _gain(self, t: Any) -> np.ndarray:
        """``(1 - e^(-s^2 t))/s`` of every singular value s, shape (.., n)."""
        t = nonnegative("t", t)
        if not self.holds:
            raise ValueError("net has features that do not span the samples; expected K invertible")
        s = self.singular.numpy()
        return -np.expm1(-(s**2) * t[..., None]) / s


def outer_risk(net: Network, X: Tensor, target: Network) -> OuterRisk:
    """Return the exact risk of outer-layer training, ``x ~ N(0, I)``, as a function of time.

    From outer weights 0, labels ``y_i = f*(x_i) + noise``, the flow of ``||f(X) - y||^2/2`` in a
    has in mean over the noise the excess risk ``bias^2(t) + sigma^2 V(t)``. Integrals over x are
    those of `ntk` (outer block), so nothing is sampled.

    Args:
        net: its inner weights are the features, m of them.
        X: the samples at which it is trained, shape (n, d).
        target: a network f* of the same slope, the regression function.

    Raises:
        ValueError: slopes, dimensions or devices that disagree; anything but the CPU; entries
            that are not finite.
        TypeError: no networks, or inputs of another dtype.

    Source: chapter "Neighbours".
    """
    _validate.kind("net", net, Network)
    _validate.kind("target", target, Network)
    X = _validate.real_array("X", X, ("n", net.d), copy=True)
    _validate.same_device(X=X, V=net.V, target=target.V)
    if X.device.type != "cpu":
        raise ValueError(f"X is on {X.device}; expected the CPU")
    if target.d != net.d or target.slope != net.slope:
        raise ValueError(
            f"target has d = {target.d} and slope {target.slope:g}; expected {net.d} and "
            f"{net.slope:g}, those of net"
        )
    return OuterRisk(net, X, target)
