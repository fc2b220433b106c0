"""Neurons over an interval on which only the planes they stick to count as kinks.

A neuron on a plane, or so close that it may be back within the step, moves freely along the plane;
its small distance from it follows an implicit rule, the average slope over the interval being one
that the end allows. So a step depends continuously on the dual weights, however often a neuron
sticks and slips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lowrot._least import least_velocity
from lowrot._neurons import Drive, Rates, propagate
from lowrot._planes import Planes, Sliding

CROSSED = 1e-10
"""Distance from a plane over ``||v||`` at which a neuron is beyond it."""
_STICKY, _WIDE = 1e-3, 1e-2
"""Near enough to stick; and the largest offset from several planes; over ``||v||`` too."""


@dataclass
class Neurons:
    """Outer weights (m,), inner weights (m, d), patterns (m, N) in {-1, 0, 1}."""

    a: Tensor
    V: Tensor
    S: Tensor

    def take(self, rows: Tensor) -> Neurons:
        """Copies of some rows."""
        return Neurons(self.a[rows], self.V[rows], self.S[rows])

    def put(self, rows: Tensor, other: Neurons) -> None:
        """Replace some rows."""
        self.a[rows], self.V[rows], self.S[rows] = other.a, other.V, other.S

    def copy(self) -> Neurons:
        """A copy that can be changed."""
        return Neurons(self.a.clone(), self.V.clone(), self.S.clone())


@dataclass(frozen=True)
class Contact:
    """The planes that neurons stick to during an interval, and the space of their normals.

    Attributes:
        mask: pairs (neuron, plane), shape (m, N).
        free: patterns with zeros at those pairs, shape (m, N).
        normals: of the neurons with such pairs.
    """

    mask: Tensor
    free: Tensor
    normals: Sliding

    @classmethod
    def of(
        cls, planes: Planes, now: Neurons, jump: Tensor, crossed: Tensor | None = None
    ) -> Contact:
        """Pairs that slide, or are near a plane that attracts and was not crossed just now."""
        Z, size = now.V @ planes.U.T, now.V.norm(dim=1, keepdim=True)
        mask = (now.S == 0) | ((Z.abs() <= _STICKY * size) & (now.a[:, None] * jump < 0))
        if crossed is not None:
            mask &= ~crossed
        side = torch.where(Z.abs() > CROSSED * size, Z.sign(), now.S)
        free = torch.where(mask, 0.0, side)
        normals = Sliding.of(planes, free)
        # Nearly parallel planes span directions in which v is not small: then only those slid on.
        offset = (now.V - normals.project(now.V)).norm(dim=1, keepdim=True)
        wide = offset > _WIDE * size
        if bool(wide.any()):
            mask = torch.where(wide, now.S == 0, mask)
            free = torch.where(mask, 0.0, side)
            normals = Sliding.of(planes, free)
        return cls(mask, free, normals)

    def take(self, rows: Tensor) -> Contact:
        """The contact of some of the neurons."""
        return Contact(self.mask[rows], self.free[rows], self.normals.take(rows, len(self.mask)))


@dataclass(frozen=True)
class Arc:
    """The course of neurons over an interval, as a function of the time since its start.

    Attributes:
        start: the neurons at its start.
        along: their inner weights, less the offset from the planes they stick to, shape (e, d).
        h0, h1: the field along those planes, and its rate, shape (e, d).
        offset, drift: the offset at the start and its rate, shape (e, d); None without contact.
        rates: eta_a and eta_V.
    """

    start: Neurons
    along: Tensor
    h0: Tensor
    h1: Tensor
    offset: Tensor | None
    drift: Tensor | None
    rates: Rates

    def take(self, rows: Tensor) -> Arc:
        """The course of some of the neurons."""
        offset = None if self.offset is None else self.offset[rows]
        drift = None if self.drift is None else self.drift[rows]
        along, h0, h1 = self.along[rows], self.h0[rows], self.h1[rows]
        return Arc(self.start.take(rows), along, h0, h1, offset, drift, self.rates)

    def at(self, dt: Tensor) -> tuple[Tensor, Tensor]:
        """Outer and inner weights after times dt, shape (e,)."""
        return self.placed(
            *propagate(self.start.a, self.along, self.h0, self.h1, dt, self.rates), dt
        )

    def placed(self, a: Tensor, V: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        """Add the offset to inner weights propagated along the planes."""
        if self.offset is None or self.drift is None:
            return a, V
        V = V + self.offset + dt[:, None] * self.drift
        return a, _restored(self.start.a, self.start.V, a, V, self.rates)

    def field(self, dt: Tensor) -> Tensor:
        """The field along the planes after times dt, shape (e, d)."""
        return self.h0 + dt[:, None] * self.h1

    def velocity(self, a: Tensor, dt: Tensor) -> Tensor:
        """The inner velocity after times dt, at outer weights a, shape (e, d)."""
        inner = self.rates[1] * a[:, None] * self.field(dt)
        return inner if self.drift is None else inner + self.drift

    def slip(self, dt: Tensor) -> float:
        """Sum of ``|a_j|/||v_j||`` times the square of the slip over times dt, about.

        The slip is taken linearly; this is the size of what that neglects in the outputs.
        """
        if self.drift is None:
            return 0.0
        a, V = self.at(dt)
        slipped = self.drift.norm(dim=1) * dt
        size = (V.norm(dim=1) + slipped).clamp_min(1e-300)
        return float((a.abs() * slipped * (slipped / size)).sum())

    def energy(self, dt: Tensor) -> float:
        """The integral of ``||W'||^2`` (in the metric of the rates) over times dt, summed."""
        total = 0.0
        for share, weight in ((1.0 / 3.0, 0.75), (1.0, 0.25)):
            a, V = self.at(share * dt)
            speed = self.rates[0] * (self.field(share * dt) * V).sum(1).square()
            if self.rates[1]:
                inner = self.velocity(a, share * dt)
                speed = speed + inner.square().sum(1) / self.rates[1]
            total += weight * float(dt @ speed)
        return total


@dataclass(frozen=True)
class Motion:
    """Neurons over an interval, kinks out of contact ignored: their course, contact and end."""

    arc: Arc
    contact: Contact
    end: Neurons

    @classmethod
    def of(
        cls,
        planes: Planes,
        now: Neurons,
        contact: Contact,
        drive: Drive,
        t: Tensor,
        dt: Tensor,
        rates: Rates,
    ) -> Motion:
        """The motion from the times t over the times dt, one a neuron, shape (e,)."""
        raw, h1 = drive.field(contact.free)
        raw = raw + t[:, None] * h1
        space, rows = contact.normals, contact.normals.rows
        if not len(rows):
            arc = Arc(now, now.V, raw, h1, None, None, rates)
            return cls(arc, contact, Neurons(*arc.at(dt), contact.free.clone()))
        along, h0 = space.project(now.V), space.project(raw)
        offset, drift, S = now.V - along, torch.zeros_like(along), contact.free.clone()
        slow = space.project(h1)
        a, V = propagate(now.a, along, h0, slow, dt, rates)
        span = dt[rows, None]
        mean = rates[1] * span * 0.5 * (now.a[rows] + a[rows])[:, None]
        pull = raw[rows] + 0.5 * span * h1[rows]
        jump = drive.jumps(t[rows] + 0.5 * dt[rows])
        base = offset[rows] + mean * (pull - space.tangent(pull))
        sides, moved = _settle(planes, contact.mask[rows], base, mean * jump)
        S[rows] = torch.where(contact.mask[rows], sides, S[rows])
        drift[rows] = (moved - offset[rows]) / span.clamp_min(1e-300)
        arc = Arc(now, along, h0, slow, offset, drift, rates)
        return cls(arc, contact, Neurons(*arc.placed(a, V, dt), S))

    def take(self, rows: Tensor) -> Motion:
        """The motion of some of the neurons."""
        return Motion(self.arc.take(rows), self.contact.take(rows), self.end.take(rows))


def _restored(a0: Tensor, V0: Tensor, a: Tensor, V: Tensor, rates: Rates) -> Tensor:
    """V scaled to the norm that the invariant ``eta_V a^2 - eta_a ||v||^2`` asks for."""
    if not (rates[0] and rates[1]):
        return V
    square = V0.square().sum(1) + rates[1] / rates[0] * (a.square() - a0.square())
    return V * (square.clamp_min(0.0).sqrt() / V.norm(dim=1).clamp_min(1e-300))[:, None]


def _settle(planes: Planes, mask: Tensor, base: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
    """Patterns of the planes in contact, shape (e, N), and the offset from them, shape (e, d).

    The offset is the least vector of ``base + sum_k S_k strength_k u_k`` with ``|S_k| <= 1``.
    """
    D, columns = _gather(planes, mask, strength)
    normal, moved = least_velocity(D, base)
    side = (normal * strength.gather(1, columns)).sign()
    return torch.zeros_like(strength).scatter_add(1, columns, side), moved


def _gather(planes: Planes, chosen: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """``size_k u_k`` of the chosen planes, zero-padded, shape (e, k, d), and their indices."""
    most = max(1, int(chosen.sum(1).max())) if len(chosen) else 1
    columns = chosen.to(torch.int8).topk(most, dim=1).indices
    sizes = torch.where(chosen.gather(1, columns), size.gather(1, columns), 0.0)
    return sizes[:, :, None] * planes.U[columns], columns
