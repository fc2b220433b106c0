"""A neuron under given dual weights: a linear equation between two kinks, solved in closed form.

Between kinks ``a' = eta_a h.v`` and ``v' = eta_V a h`` with ``h(t) = h0 + t h1`` linear in time:
the generators are those of the Lorentz group, and ``eta_V a^2 - eta_a ||v||^2`` is conserved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lowrot._jit import jit, part, reordered_part
from lowrot.flow.neuron._linalg import copy, dot, resize

_ROUNDING = 2.0**-51
"""Of an invariant, relative to its terms and to the dimension."""

_RESTORED = 1e-10
"""The largest change of an invariant that passes for rounding."""

_SMALL = 1e-3
"""Square of an angle up to which four terms are the cardinal sine to rounding."""
Rates = tuple[float, float]
Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Neurons:
    """Neurons under a flow.

    Attributes:
        a: outer weights, shape (m,).
        V: inner weights, shape (m, d).
        S: patterns, int8 in {-1, 0, 1}, shape (m, N).
        unbalance: ``eta_V a^2 - eta_a ||v||^2`` of each, which the flow conserves, by its square
            root with its sign, shape (m,).
    """

    a: np.ndarray
    V: np.ndarray
    S: np.ndarray
    unbalance: np.ndarray

    @classmethod
    def of(cls, a: Any, V: Any, S: np.ndarray, rates: Rates) -> Neurons:
        """Copies of neurons at their start, balanced where they are so up to rounding."""
        neurons = cls(np.array(a), np.array(V, order="C"), np.array(S), np.zeros(len(a)))
        size = np.maximum(np.abs(neurons.a), np.abs(neurons.V).max(1))
        unit = np.where(size > 0.0, size, 1.0)
        outer = rates[1] * np.square(neurons.a / unit)
        inner = rates[0] * np.square(neurons.V / unit[:, None]).sum(1)
        invariant = outer - inner
        rounding = _ROUNDING * V.shape[1] * (outer + inner)
        unbalance = unit * np.sign(invariant) * np.sqrt(np.abs(invariant))
        unbalance[np.abs(invariant) <= rounding] = 0.0
        return replace(neurons, unbalance=unbalance)

    @property
    def norm_squared(self) -> float:
        """``||W||^2``."""
        return float(np.vdot(self.a, self.a) + np.vdot(self.V, self.V))

    def drift(self, start: Neurons, rates: Rates) -> float:
        """The largest change of an invariant since the start, relative to the size of a neuron."""
        return _drift((self.a, self.V), (start.a, start.V), start.unbalance, rates)


@dataclass(frozen=True, eq=False)
class Drive:
    """The field ``xi_j(t) = sum_i w_i(t) s'_ij x_i`` of weights that are linear in time.

    Attributes:
        U: unit normals of the planes, shape (N, d).
        columns: the same, shape (d, N), for loops over planes.
        base: part that does not depend on the pattern, at time 0 and its rate, shape (2, d).
        jump: coefficients of the patterns, shape (2, N).
    """

    U: np.ndarray
    columns: np.ndarray
    base: np.ndarray
    jump: np.ndarray

    @property
    def arrays(self) -> Arrays:
        """What compiled functions take."""
        return self.U, self.columns, self.base, self.jump

    def at_start(self, S: np.ndarray) -> np.ndarray:
        """Return the fields at time 0 at patterns without planes slid on, shape (m, d)."""
        return np.asarray(S @ (self.jump[0, :, None] * self.U) + self.base[0])


@part
def field(drive: Arrays, pattern: np.ndarray, h: np.ndarray) -> None:
    """Write ``h0`` and ``h1`` at a pattern, shape (N,), into h, shape (2, d); no planes slid on."""
    _, columns, base, jump = drive
    for c in range(len(columns)):
        early, late = _pulls(pattern, columns[c], jump)
        h[0, c], h[1, c] = base[0, c] + early, base[1, c] + late


@reordered_part
def _pulls(pattern: np.ndarray, column: np.ndarray, jump: np.ndarray) -> tuple[float, float]:
    """The sums over planes of sides, one coordinate of the normals, and jumps or their rates."""
    early, late = 0.0, 0.0
    for k in range(len(pattern)):
        along = pattern[k] * column[k]
        early += along * jump[0, k]
        late += along * jump[1, k]
    return early, late


@part
def _turn(v: np.ndarray, h: np.ndarray, angles: tuple[float, float, float, float]) -> None:
    """Half the rotation in the plane of h0 and h1, by Rodrigues' formula, in place."""
    on0, on1 = dot(h[0], v), dot(h[1], v)
    to0, to1 = angles[0] * on0 + angles[1] * on1, angles[2] * on0 + angles[3] * on1
    for c in range(len(v)):
        v[c] += h[1, c] * to1 + h[0, c] * to0


@part
def _sinc(x: float) -> float:
    square = x * x
    if square > _SMALL:
        return math.sin(x) / x
    return 1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0))


@part
def propagate(
    a: float, v: np.ndarray, h: np.ndarray, t: float, rates: Rates, end: np.ndarray
) -> float:
    """Solve ``a' = eta_a h.v, v' = eta_V a h`` over a time t; return a, and write v into end.

    The exponential of the first two terms of the Magnus series: exact for constant h, of order 4
    in t else. Source: chapter "How we follow a gradient flow"; Magnus, Comm. Pure Appl. Math. 7,
    1954.
    """
    both = rates[0] * rates[1]
    dot00, dot01, dot11 = dot(h[0], h[0]), dot(h[0], h[1]), dot(h[1], h[1])
    twist = both * t**3 / 12.0
    angle = twist * math.sqrt(max(dot00 * dot11 - dot01 * dot01, 0.0))
    linear = 0.5 * twist * _sinc(0.5 * angle)
    square = 0.125 * (twist * _sinc(0.25 * angle)) ** 2
    mixed = square * dot01
    angles = (-square * dot11, mixed - linear, linear + mixed, -square * dot00)
    copy(v, end)
    _turn(end, h, angles)
    along, norm = 0.0, 0.0
    for c in range(len(v)):
        impulse = t * (h[0, c] + 0.5 * t * h[1, c])
        along += end[c] * impulse
        norm += impulse * impulse
    size = max(math.sqrt(both * norm), 1e-150)
    grown = math.expm1(0.5 * size)
    half = 0.5 * (grown + grown / (1.0 + grown))  # sinh(size/2)
    sinhc, coshc = 2.0 * half / size * math.sqrt(1.0 + half * half), 2.0 * (half / size) ** 2
    gain = rates[1] * (a * sinhc + rates[0] * along * coshc)
    for c in range(len(v)):
        end[c] += gain * t * (h[0, c] + 0.5 * t * h[1, c])
    _turn(end, h, angles)
    return a * (1.0 + 2.0 * half * half) + rates[0] * along * sinhc


@part
def largest(a: float, v: np.ndarray) -> float:
    """The largest weight, as a power of two above it; 1 for a neuron that is zero."""
    most = abs(a)
    for c in range(len(v)):
        most = max(most, abs(v[c]))
    return math.ldexp(1.0, math.frexp(most)[1]) if most > 0.0 else 1.0


@part
def conserve(sign: float, invariant: float, rates: Rates, a: float, v: np.ndarray) -> float:
    """Restore ``eta_V a^2 - eta_a ||v||^2`` after rounding: return a, change v in place.

    What is larger of the two follows from the other, without cancellation. Where that is a, it
    keeps its sign for ever. Weights are in a unit of the size that the neuron had. Where more than
    rounding is lost nothing is restored: that is an error of the program, for certificates to see.
    """
    outer, inner = rates[1] * a * a, rates[0] * dot(v, v)
    allowed = _RESTORED * (rates[0] + rates[1] + outer + inner)
    if rates[0] == 0.0 or rates[1] == 0.0 or not abs(outer - inner - invariant) <= allowed:
        return a
    if invariant >= 0.0:
        return sign * math.sqrt((invariant + inner) / rates[1])
    resize(v, math.sqrt((outer - invariant) / rates[0]))
    return a


@jit
def _drift(
    now: tuple[np.ndarray, np.ndarray],
    start: tuple[np.ndarray, np.ndarray],
    unbalance: np.ndarray,
    rates: Rates,
) -> float:
    """The largest change of an invariant over neurons, relative to their sizes."""
    worst = 0.0
    for j in range(len(unbalance)):
        unit = max(largest(now[0][j], now[1][j]), largest(start[0][j], start[1][j]))
        outer, inner = _terms(now[0][j], now[1][j], unit, rates)
        before = _terms(start[0][j], start[1][j], unit, rates)
        root = unbalance[j] / unit
        change = abs(outer - inner - root * abs(root))
        change /= max(outer + inner, before[0] + before[1], 1e-300)
        if not change <= worst:
            worst = change
        if math.isnan(worst):
            break
    return worst


@part
def _terms(a: float, v: np.ndarray, unit: float, rates: Rates) -> tuple[float, float]:
    """``eta_V a^2`` and ``eta_a ||v||^2``, with weights in a unit."""
    inner = 0.0
    for c in range(len(v)):
        inner += (v[c] / unit) ** 2
    return rates[1] * (a / unit) ** 2, rates[0] * inner
