"""What the theorems on regression share: a state of the flow, a rate, and what follows from it.

Both prove ``R' <= -(psi + c R) R`` and ``-R' >= sqrt(psi + c R) ||W'||_w`` from a time T on, for
the norm R of the residuals and ``||W||_w^2 = ||a||^2/eta_a + ||V||_F^2/eta_V``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import Tensor

from lowrot import _validate
from lowrot._hyperplanes import ON
from lowrot._validate import Array
from lowrot.data._dataset import SHORTEST, check_norms, fingerprint
from lowrot.network import Network
from lowrot.network._network import check_inputs
from lowrot.path import Path
from lowrot.theorems._restart import RestartTheorem
from lowrot.theorems._subject import Subject
from lowrot.theorems._theorem import nonnegative

_EPS = float(np.finfo(float).eps)
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class State:
    """A network on inputs X with labels y, and what the proofs read from it.

    Args:
        net: m neurons in d dimensions.
        X: inputs, shape (n, d).
        y: labels, shape (n,).
    """

    net: Network
    X: Tensor
    y: Tensor

    @property
    def z(self) -> Array:
        """``z_ij = v_j . x_i``, shape (n, m)."""
        return (self.X @ self.net.V.T).cpu().numpy()

    @property
    def features(self) -> Array:
        """``A = s(X V^T)``, shape (n, m)."""
        z = self.z
        return np.maximum(z, self.net.slope * z)

    @property
    def r(self) -> Array:
        """The residuals ``A a - y``, shape (n,)."""
        return (self.net(self.X) - self.y).cpu().numpy()

    @property
    def on_kinks(self) -> Array:
        """Which pairs are on a kink, to the accuracy by which the flow goes; shape (n, m)."""
        if self.net.slope == 1:
            return np.zeros((len(self.X), self.net.m), dtype=bool)
        lengths = self.X.norm(dim=1)[:, None] * self.net.V.norm(dim=1)
        return np.abs(self.z) <= ON * lengths.cpu().numpy()

    def least(self, rates: tuple[float, float], held: Array | None = None) -> float:
        """The least eigenvalue of the kernel, from below but for the rounding of its own terms.

        Args:
            rates: eta_a and eta_V.
            held: pairs that are projected out, shape (n, m), beside those on kinks.
        """
        mask = None if held is None else self.X.new_tensor(held)
        K = self.net.kernel(self.X, rates=rates, held=mask).cpu().numpy()
        rounding = _EPS * (len(self.X) + self.net.m + self.net.d) * float(np.trace(K))
        return max(0.0, float(np.linalg.eigvalsh(K)[0]) - rounding)

    def pull(self, rates: tuple[float, float], held: Array) -> float:
        """``r^T K^Z r``, Z the pairs held, shape (n, m)."""
        K = self.net.kernel(self.X, rates=rates, held=self.X.new_tensor(held)).cpu().numpy()
        return float(self.r @ K @ self.r)

    def speeds(self, rates: tuple[float, float]) -> tuple[float, float]:
        """``||a'||^2/eta_a`` and ``||V'||^2/eta_V`` of the flow; they add up to ``-R R'``."""
        r, out = self.r, []
        for layer, rate in (("outer", (rates[0], 0.0)), ("inner", (0.0, rates[1]))):
            K = self.net.kernel(self.X, layers=layer, rates=rate) if max(rate) else None
            out.append(0.0 if K is None else float(r @ K.cpu().numpy() @ r))
        return out[0], out[1]


class RegressionTheorem(RestartTheorem):
    """A theorem on the flow of the squared loss from a given state; both parts share this.

    Attributes:
        net: the network at the time T from which it speaks (m neurons).
        X: inputs, shape (n, d).
        y: labels, shape (n,).
        rates: eta_a and eta_V.
        R: norm of the residuals at T.
        g: ``sqrt(eta_a eta_V)``.
        psi: the rate, negative where the theorem says nothing.
        drift: c, by which the rate grows as the residuals fall.
        hypotheses: evaluated.
    """

    psi: float
    drift: float
    _clock = "t"

    def __init__(self, net: Network, X: Tensor, y: Tensor, rates: tuple[float, float]) -> None:
        self.X = _validate.real_array("X", X, ("n", "d"), copy=True)
        self.y = _validate.real_array("y", y, (self.X.shape[0],), copy=True)
        check_inputs(net, self.X)
        _validate.same_device(X=self.X, y=self.y)
        check_norms(self.X, longest=1 / SHORTEST)
        self.net, self.rates = net, _validate.rates("rates", rates)
        self.eta_a, self.eta_V = self.rates
        self.g = math.sqrt(self.eta_a * self.eta_V)
        self.state = State(net, self.X, self.y)
        self.R = float(np.linalg.norm(self.state.r))
        settings = {"slope": net.slope, "rates": list(self.rates)}
        settings["data"] = fingerprint(self.X, self.y)
        start = {"a": net.a.cpu().numpy(), "V": net.V.cpu().numpy()}
        self.subject = Subject("regression", settings, {"loss": 0.5 * self.R**2}, start, "t")

    @abstractmethod
    def at(self, net: Network) -> Self:
        """The same theorem from another state.

        Args:
            net: of any width, in the same dimension.

        Raises:
            TypeError, ValueError: no network, or one of another dimension or device.
        """

    def _of(self, net: Network) -> Self:
        return self.at(net)

    @property
    def rho(self) -> float:
        """``2 R/(sqrt(psi + c R) + sqrt(psi))``: the weighted path that remains is at most this.

        Infinite where psi is negative.
        """
        if self.psi < 0:
            return math.inf
        below = math.sqrt(self.psi + self.drift * self.R) + math.sqrt(self.psi)
        return 2.0 * self.R / below if below > 0 else (math.inf if self.R > 0 else 0.0)

    @property
    def area(self) -> float:
        """``ln(1 + c R/psi)/c``, an upper bound on the integral of R; infinite unless psi > 0."""
        if not self.psi > 0:
            return math.inf if self.R > 0 else 0.0
        part = self.drift * self.R / self.psi
        return self.R / self.psi * (math.log1p(part) / part if part > 0 else 1.0)

    def bound(self, t: Any) -> np.ndarray:
        """Upper bound on the norm of the residuals at times after T.

        It solves ``R' = -(psi + c R) R``. Where psi is negative all that is known is that the
        residuals never grow.

        Args:
            t: times after T, >= 0.

        Returns:
            Of the shape of t.

        Raises:
            ValueError: times that are negative or NaN.
            TypeError: no real numbers.
        """
        t = nonnegative("t", t)
        if self.psi < 0 or (self.psi == 0 and self.drift * self.R == 0):
            return np.full_like(t, self.R)[()]
        grown = t if self.psi == 0 else -np.expm1(-self.psi * t) / self.psi
        decay = np.exp(-self.psi * t) if self.psi > 0 else 1.0
        return self.R * decay / (1.0 + self.drift * self.R * grown)

    def _moved(self, path: Path) -> tuple[Array, Array]:
        """Weighted distances from the state at T: of all weights, and of V alone, shape (k,)."""
        parts = []
        for name, rate in (("a", self.eta_a), ("V", self.eta_V)):
            away = (path[name] - path[name][0]).reshape(len(path), -1)
            parts.append((away**2).sum(axis=1) / rate if rate else np.zeros(len(path)))
        return np.sqrt(parts[0] + parts[1]), np.sqrt(parts[1])

    def _conclusion(self, path: Path, distance: Array) -> tuple[dict[str, Array], dict[str, float]]:
        """What both theorems say of a path: columns of a frame, and relative slacks."""
        residual, bound = np.sqrt(2.0 * path["loss"]), self.bound(path["t"])
        columns = {"t": path["t"], "residual": residual, "bound": bound, "distance": distance}
        slack = {
            "residual <= bound": part(bound - residual, self.R),
            "distance <= rho": 1.0 - distance.max() / max(self.rho, TINY),
        }
        return columns, slack

    def _states(self, path: Path) -> list[State]:
        """The saved states of a path."""
        return [State(path.network(k), self.X, self.y) for k in range(len(path))]

    def _steps(self, path: Path) -> Array:
        """Weighted distances between saved states, shape (k - 1,)."""
        total = np.zeros(len(path) - 1)
        for name, rate in (("a", self.eta_a), ("V", self.eta_V)):
            if rate:
                total += (np.diff(path[name], axis=0).reshape(len(total), -1) ** 2).sum(1) / rate
        return np.sqrt(total)


def part(numerator: Array, scale: float) -> float:
    """The least entry over a scale; 0 of no entries."""
    return float((numerator / max(scale, TINY)).min(initial=math.inf)) if numerator.size else 0.0
