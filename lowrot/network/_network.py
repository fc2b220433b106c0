"""A two-layer (leaky) ReLU network: forward pass, margins, closed-form gradients and kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot._hyperplanes import ON, RANK
from lowrot.data import Dataset
from lowrot.data._dataset import row_norms

_CHUNK_ENTRIES = 2**21
"""Largest number of (point, neuron) pairs held at once by a chunked product: 16 MB in float64."""


def activation(z: Tensor, slope: float = 0.0) -> Tensor:
    """Return ``s(z) = max(z, slope z)``, elementwise."""
    return torch.maximum(z, slope * z) if slope else z.clamp_min(0.0)


def derivative(z: Tensor, slope: float = 0.0) -> Tensor:
    """Return ``s'(z)``, elementwise, with the left derivative (the slope) at the kink z = 0."""
    return torch.where(z > 0, z.new_ones(()), slope)


@dataclass(frozen=True, eq=False)
class Network:
    """A two-layer network ``f(x) = sum_j a_j s(v_j . x)`` with ``s(z) = max(z, slope z)``.

    Two networks are equal only if they are the same object; compare their weights otherwise.
    What is passed is copied, without gradient: later changes of it do not reach the network. Its
    own tensors are checked once and cannot be locked, so change a clone, never them.

    Args:
        a: outer weights, shape (m,), float64.
        V: inner weights, one row a neuron, shape (m, d), float64.
        slope: of the activation for negative inputs, in [0, 1]: 0 is ReLU, 1 is linear.

    Raises:
        ValueError: non-finite values, shapes that disagree, an empty network, a slope outside
            [0, 1], or tensors on different devices or without values.
        TypeError: a dtype other than float64 (integers and booleans are converted); masked,
            sparse, nested or quantized values.

    Source: chapter "Notation and the common frame".
    """

    a: Tensor
    V: Tensor
    slope: float = 0.0

    def __post_init__(self) -> None:
        V = _validate.real_array("V", self.V, ("m", "d"), copy=True)
        a = _validate.real_array("a", self.a, (V.shape[0],), copy=True)
        _validate.same_device(a=a, V=V)
        object.__setattr__(self, "a", a)
        object.__setattr__(self, "V", V)
        object.__setattr__(self, "slope", _validate.number("slope", self.slope, 0.0, 1.0))

    @property
    def m(self) -> int:
        """Number of neurons (the width)."""
        return self.V.shape[0]

    @property
    def d(self) -> int:
        """Input dimension."""
        return self.V.shape[1]

    @property
    def norm_squared(self) -> float:
        """``||W||^2 = ||a||^2 + ||V||_F^2``."""
        return float(self.a.square().sum() + self.V.square().sum())

    def to(self, device: torch.device | str) -> Network:
        """Return the same network on another device.

        Raises:
            TypeError, ValueError: no device of this machine, or "meta".
        """
        place = _validate.device("device", device)
        return replace(self, a=self.a.to(place), V=self.V.to(place))

    def __call__(self, X: Tensor) -> Tensor:
        """Return ``f(x_i)``, shape (n,), for inputs X of shape (n, d).

        Raises:
            TypeError, ValueError: another dtype, shape or device, or entries that are not finite.
        """
        X = _validate.real_array("X", X, ("n", self.d))
        _validate.same_device(X=X, V=self.V)
        out = X.new_zeros(X.shape[0])
        for part in self.chunks(X.shape[0]):
            out += activation(X @ self.V[part].T, self.slope) @ self.a[part]
        return out

    def margins(self, data: Dataset) -> Tensor:
        """Return ``p_i = y_i f(x_i)``, shape (n,).

        Raises:
            TypeError, ValueError: no `Dataset`, or one of another dimension or device.
        """
        check_fit(self, data)
        return data.y * self(data.X)

    def gradient(self, data: Dataset, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return the blocks of ``sum_i q_i G_i``, where ``G_i = grad p_i``.

        Args:
            data: n points.
            q: any weights of the points, shape (n,).

        Returns:
            The outer block, shape (m,), and the inner one, shape (m, d); the left derivative is
            taken at a kink.

        Raises:
            TypeError, ValueError: no `Dataset`, or one of another dimension or device; q of
                another dtype or shape, or not finite.
        """
        check_fit(self, data)
        q = _validate.real_array("q", q, (data.n,))
        _validate.same_device(q=q, V=self.V)
        weighted = data.y * q
        grad_a, grad_V = torch.empty_like(self.a), torch.empty_like(self.V)
        for part in self.chunks(data.n):
            z = data.X @ self.V[part].T
            grad_a[part] = weighted @ activation(z, self.slope)
            active = derivative(z, self.slope) * self.a[part]
            grad_V[part] = active.T @ (weighted[:, None] * data.X)
        return grad_a, grad_V

    def tangent(self, data: Dataset, outer: Tensor, inner: Tensor | None = None) -> Tensor:
        """Return ``<G_i, theta>``, shape (n,), the change of the margins along theta.

        Args:
            data: n points.
            outer: the outer block of theta, shape (m,).
            inner: its inner block, shape (m, d); zero when None.

        Raises:
            TypeError, ValueError: no `Dataset`, or one of another dimension or device; blocks of
                another dtype, shape or device, or not finite.
        """
        check_fit(self, data)
        outer = _validate.real_array("outer", outer, (self.m,))
        _validate.same_device(outer=outer, V=self.V)
        if inner is not None:
            inner = _validate.real_array("inner", inner, (self.m, self.d))
            _validate.same_device(inner=inner, V=self.V)
        total = data.X.new_zeros(data.n)
        for part in self.chunks(data.n):
            z = data.X @ self.V[part].T
            total += activation(z, self.slope) @ outer[part]
            if inner is not None:
                active = derivative(z, self.slope) * self.a[part]
                total += (active * (data.X @ inner[part].T)).sum(dim=1)
        return data.y * total

    def kernel(
        self,
        data: Dataset | Tensor,
        *,
        layers: str = "both",
        rates: tuple[float, float] = (1.0, 1.0),
        kink: float | None = ON,
        held: Tensor | None = None,
    ) -> Tensor:
        """Return the tangent kernel ``K = eta_a K_a + eta_V K_V``, shape (n, n).

        Where no neuron is at a kink this is ``G G^T`` if both rates are 1. The flow holds a neuron
        that slides on the kinks of some points, so it has no slope at these and moves along
        their planes only: ``K_V = sum_j a_j^2 S_j X P_j X^T S_j`` with ``S_j`` the slopes, 0 at
        these points, and ``P_j`` the projection off their span. With this kernel the flow obeys
        ``p' = K q`` and ``dL/dt = -r^T K r`` also while neurons slide.

        Nothing of size n m d is formed, and at most a fixed number of (point, neuron) pairs is
        held at once.

        Args:
            data: n points: the kernel of their margins ``y_i f(x_i)``; or inputs X alone, of any
                norm, shape (n, d): the kernel of the outputs ``f(x_i)``.
            layers: "outer", "inner" or "both".
            rates: eta_a of the outer and eta_V of the inner weights, >= 0, not both 0.
            kink: a neuron slides on the kink of a point when ``|v_j.x_i| <= kink ||v_j|| ||x_i||``;
                the default is what the flow goes by. None: no neuron slides, and the left
                derivative is taken at a kink, as in `gradient`.
            held: further pairs whose kinks are treated as if neurons slid on them, True or False,
                shape (n, m): the kernel ``K^Z`` of a set Z of pairs that may flip. No flow that
                flips only these pairs is slower than it.

        Raises:
            ValueError: an unknown choice of layers, rates or kink out of bounds, data or inputs of
                another dimension, shape or device, or not finite.
            TypeError: rates or kink that are not numbers, inputs of another dtype.

        Source: chapters "Notation and the common frame", "How we follow a gradient flow".
        """
        selected, (eta_a, eta_V) = _validate.layers(layers), _validate.rates("rates", rates)
        kink = None if kink is None else _validate.number("kink", kink, 0.0)
        if isinstance(data, Dataset):
            check_fit(self, data)
        if not isinstance(data, (Dataset, Tensor, np.ndarray, Sequence)):
            found = type(data).__name__
            raise TypeError(f"data is of type {found}; expected a Dataset or inputs X")
        given = data.X if isinstance(data, Dataset) else data
        X = _validate.real_array("data", given, ("n", self.d))
        _validate.same_device(data=X, V=self.V)
        more = None
        if held is not None:
            more = _validate.real_array("held", held, (len(X), self.m)).to(X.device) != 0
        K = X.new_zeros(len(X), len(X))
        for part in self.chunks(len(X)):
            z = X @ self.V[part].T
            if selected.outer:
                features = activation(z, self.slope)
                K.addmm_(features, features.T, alpha=eta_a)
            if selected.inner:
                on = self._on_kinks(X, z, part, kink)
                if more is not None:
                    on |= more[:, part]
                K += eta_V * _inner(X, derivative(z, self.slope) * self.a[part], on)
        return torch.outer(data.y, data.y) * K if isinstance(data, Dataset) else K

    def _on_kinks(self, X: Tensor, z: Tensor, part: slice, kink: float | None) -> Tensor:
        """Return which neurons of a part slide on the kinks of which points, shape (n, part)."""
        if kink is None or self.slope == 1:
            return torch.zeros_like(z, dtype=torch.bool)
        lengths = row_norms(X)[:, None]
        return (z.abs() <= kink * lengths * self.V[part].norm(dim=1)) & (lengths > 0)

    def chunks(self, n: int) -> Iterator[slice]:
        """Yield slices of the neurons so that n times a slice stays within the chunk size."""
        size = max(1, _CHUNK_ENTRIES // max(_validate.integer("n", n, 0), 1))
        for start in range(0, self.m, size):
            yield slice(start, min(start + size, self.m))


def check_fit(net: Network, data: Dataset) -> None:
    """Check that a network and data have one dimension and device.

    Raises:
        TypeError: no `Network`, or no `Dataset`.
        ValueError: another dimension or device; the message names both.
    """
    check_inputs(net, _validate.kind("data", data, Dataset).X, "data")


def check_inputs(net: Network, X: Tensor, name: str = "X") -> None:
    """Check the same of inputs alone.

    Args:
        net: the network.
        X: the inputs, a tensor of shape (n, d).
        name: of what they were given as.

    Raises:
        TypeError: no `Network`.
        ValueError: another dimension or device.
    """
    _validate.kind("net", net, Network)
    if X.shape[1] != net.d:
        raise ValueError(f"{name} has d = {X.shape[1]}; expected {net.d}, as net")
    _validate.same_device(net=net.V, X=X)


def _inner(X: Tensor, slopes: Tensor, on: Tensor) -> Tensor:
    """Return the kernel of the inner weights of neurons that slide where ``on``, shape (n, n).

    Args:
        X: inputs, shape (n, d).
        slopes: ``a_j s'(v_j.x_i)``, shape (n, m).
        on: shape (n, m).
    """
    held = on.any(dim=0)
    K = (slopes[:, ~held] @ slopes[:, ~held].T) * (X @ X.T)
    slopes, on = slopes[:, held].masked_fill(on[:, held], 0.0), on[:, held]
    patterns, which = torch.unique(on, dim=1, return_inverse=True)
    for k, pattern in enumerate(patterns.T):
        normals = X[pattern] / row_norms(X[pattern])[:, None]
        _, singular, basis = torch.linalg.svd(normals, full_matrices=False)
        basis = basis[singular.square() > RANK]
        along, own = X - (X @ basis.T) @ basis, slopes[:, which == k]
        K += (own @ own.T) * (along @ along.T)
    return K
