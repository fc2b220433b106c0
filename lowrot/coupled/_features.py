"""Frozen features: unit directions with the sign and the initial size of each output weight."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.coupled._potential import Potential
from lowrot.data import Dataset
from lowrot.network import Network


@dataclass(frozen=True, eq=False)
class Features:
    """Frozen features ``s(v_j . x)`` with the sign that each output weight keeps.

    What is passed is copied, without gradient, as by `Network`.

    Args:
        directions: unit vectors v_j, shape (m, d), float64.
        signs: chi_j, the sign of u_j, shape (m,).
        ln_start: ``ln |u_j(0)|``, shape (m,); an equal start with ``||u(0)||_1 = 1`` when None.
        slope: of the activation for negative inputs, in [0, 1].

    Raises:
        ValueError: non-finite values, directions not of unit norm, shapes that disagree.
        TypeError: a dtype other than float64 (integers and booleans are converted); masked,
            sparse, nested or quantized values.

    Source: chapter "No rotation".
    """

    directions: Tensor
    signs: Tensor
    ln_start: Tensor | None = None
    slope: float = 0.0

    def __post_init__(self) -> None:
        V = _validate.real_array("directions", self.directions, ("m", "d"), copy=True)
        off = (V.norm(dim=1) - 1.0).abs()
        if float(off.max()) > 1e-9:
            j = int(off.argmax())
            raise ValueError(
                f"directions[{j}] has norm {V[j].norm().item():.10g}; expected unit vectors"
            )
        m = V.shape[0]
        ln_start = V.new_full((m,), -math.log(m)) if self.ln_start is None else self.ln_start
        object.__setattr__(self, "directions", V)
        signs = _validate.signs("signs", self.signs, m, copy=True)
        object.__setattr__(self, "signs", signs)
        ln_start = _validate.real_array("ln_start", ln_start, (m,), copy=True)
        object.__setattr__(self, "ln_start", ln_start)
        object.__setattr__(self, "slope", _validate.number("slope", self.slope, 0.0, 1.0))
        _validate.same_device(directions=V, signs=self.signs, ln_start=self.start)

    @classmethod
    def from_network(cls, net: Network) -> Features:
        """Take the neurons of a balanced network (``|a_j| = ||v_j|| > 0`` for all j).

        Raises:
            TypeError, ValueError: anything but a balanced `Network`.
        """
        norms = _validate.kind("net", net, Network).V.norm(dim=1)
        unbalanced = (net.a.abs() - norms).abs() > 1e-9 * norms
        if bool((unbalanced | (norms == 0)).any()):
            j = int((unbalanced | (norms == 0)).nonzero()[0])
            raise ValueError(
                f"net has |a_{j}| = {abs(net.a[j].item()):.6g} and ||v_{j}|| = "
                f"{norms[j].item():.6g}; the coupled flow needs |a_j| = ||v_j|| > 0 for every j"
            )
        return cls(net.V / norms[:, None], net.a.sign(), 2.0 * norms.log(), net.slope)

    @classmethod
    def both_signs(cls, directions: Tensor, slope: float = 0.0) -> Features:
        """Give every direction one neuron of each sign, all equal at the start.

        Raises:
            TypeError, ValueError: as for `Features`.
        """
        V = _validate.real_array("directions", directions, ("m", "d"))
        signs = torch.cat([V.new_ones(len(V)), -V.new_ones(len(V))])
        return cls(torch.cat([V, V]), signs, None, slope)

    @property
    def start(self) -> Tensor:
        """``ln |u_j(0)|``, shape (m,), whether it was given or not."""
        assert self.ln_start is not None
        return self.ln_start

    @property
    def m(self) -> int:
        """Number of neurons (the width)."""
        return self.directions.shape[0]

    def to(self, device: torch.device | str) -> Features:
        """Return the same features on another device.

        Raises:
            TypeError, ValueError: no device of this machine, or "meta".
        """
        place = _validate.device("device", device)
        return replace(
            self,
            directions=self.directions.to(place),
            signs=self.signs.to(place),
            ln_start=self.start.to(place),
        )

    def potential(self, data: Dataset) -> Potential:
        """Return the potential F of the flow on a data set.

        Raises:
            TypeError, ValueError: no `Dataset`, or one of another dimension or device.
        """
        _validate.kind("data", data, Dataset)
        if data.d != self.directions.shape[1]:
            raise ValueError(
                f"data has d = {data.d} but the directions have d = {self.directions.shape[1]}"
            )
        _validate.same_device(directions=self.directions, X=data.X)
        return Potential(self.directions, self.signs, self.start, data, self.slope)

    def ln_weights(self, data: Dataset, z: Any) -> Tensor:
        """Return ``ln |u_j|`` at the state z of a path, shape (m,).

        Raises:
            TypeError, ValueError: data that do not fit the features, or z that does not fit them.
        """
        potential = self.potential(data)
        z = _validate.real_array("z", z, (data.n,)).to(data.X.device)
        return self.start + potential.ln_growth(z)

    def shares(self, data: Dataset, z: Any) -> Tensor:
        """Return each neuron's share of ``||u||_1`` at k states z of a path, shape (k, m).

        Raises:
            TypeError, ValueError: data that do not fit the features, or z that does not fit them.
        """
        potential = self.potential(data)
        z = _validate.real_array("z", z, ("k", data.n)).to(data.X.device)
        return torch.stack([torch.softmax(self.start + potential.ln_growth(row), 0) for row in z])


def as_features(net_or_features: Any) -> Features:
    """Return features as they are, and those of a balanced network."""
    if isinstance(net_or_features, Network):
        return Features.from_network(net_or_features)
    if not isinstance(net_or_features, Features):
        kind = type(net_or_features).__name__
        raise TypeError(f"net_or_features is {kind}; expected Network or Features")
    return net_or_features
