"""Neurons followed through kinks: where one arrives it crosses, or stays and slides.

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

_ON, _STICKY, _CROSSED = 1e-9, 1e-3, 1e-10
"""Distances from a plane over ``||v||``: on it, near enough to stick, and beyond it."""
_ROUNDS, _PATIENCE, _NEWTON = 200, 20, 30


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
        side = torch.where(Z.abs() > _CROSSED * size, Z.sign(), now.S)
        free = torch.where(mask, 0.0, side)
        return cls(mask, free, Sliding.of(planes, free))


@dataclass(frozen=True)
class Motion:
    """Neurons over an interval, kinks out of contact ignored.

    Attributes:
        start, end: the neurons at its ends.
        contact: the planes they stick to.
        along: inner weights at the start, less the offset from those planes, shape (e, d).
        h0, h1: the field along the planes, from the start on, shape (e, d).
        offset, drift: the offset at the start and its rate, shape (e, d).
        rates: eta_a and eta_V.
    """

    start: Neurons
    contact: Contact
    along: Tensor
    h0: Tensor
    h1: Tensor
    offset: Tensor
    drift: Tensor
    rates: Rates
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
        along, h0 = space.project(now.V), space.project(raw)
        offset, drift, S = now.V - along, torch.zeros_like(along), contact.free
        slow = space.project(h1)
        a, V = propagate(now.a, along, h0, slow, dt, rates)
        if len(rows):
            span = dt[rows, None]
            mean = rates[1] * span * 0.5 * (now.a[rows] + a[rows])[:, None]
            pull = raw[rows] + 0.5 * span * h1[rows]
            jump = drive.jumps(t[rows] + 0.5 * dt[rows])
            base = offset[rows] + mean * (pull - space.tangent(pull))
            S = S.clone()
            sides, moved = _settle(planes, contact.mask[rows], base, mean * jump)
            S[rows] = torch.where(contact.mask[rows], sides, S[rows])
            drift[rows] = (moved - offset[rows]) / span.clamp_min(1e-300)
            V = V + offset + dt[:, None] * drift
            V[rows] = _restored(now.a[rows], now.V[rows], a[rows], V[rows], rates)
        return cls(now, contact, along, h0, slow, offset, drift, rates, Neurons(a, V, S))

    def at(self, rows: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        """Outer and inner weights of some rows after times dt of their own."""
        start = self.start.a[rows], self.start.V[rows]
        a, V = propagate(start[0], self.along[rows], self.h0[rows], self.h1[rows], dt, self.rates)
        V = V + self.offset[rows] + dt[:, None] * self.drift[rows]
        return a, _restored(*start, a, V, self.rates)


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
    normal = least_velocity(D, base)
    sides = torch.where(normal != 0, -normal.sign(), 0.0)
    moved = base + (sides[:, None, :] @ D)[:, 0]
    side = torch.where(normal != 0, (normal * strength.gather(1, columns)).sign(), 0.0)
    S = torch.zeros_like(strength).scatter_add(1, columns, side * (D != 0).any(2))
    kept = torch.where(mask, S, 1.0)
    sliding = Sliding.of(planes, kept)
    return S, sliding.project(moved)


def wrong_side(planes: Planes, now: Neurons, contact: Contact) -> Tensor:
    """Which pairs out of contact have crossed their plane, shape (m, N)."""
    Z = now.V @ planes.U.T
    return (Z * contact.free < -_CROSSED * now.V.norm(dim=1, keepdim=True)) & ~contact.mask


def track(
    planes: Planes, neurons: Neurons, drive: Drive, goals: tuple[float, float], rates: Rates
) -> list[Neurons] | None:
    """Follow neurons from time 0 through their kinks; return them at the two goals.

    Returns:
        None if some neuron met more kinks than a step may have.
    """
    ends = neurons.a.new_tensor(goals)
    now, t, first = neurons.copy(), torch.zeros_like(neurons.a), neurons.copy()
    passed = torch.zeros_like(now.S, dtype=torch.bool)
    for count in range(_ROUNDS):
        rows = (t < ends[1]).nonzero()[:, 0]
        if not len(rows):
            return [first, now]
        if count > _PATIENCE:
            passed[rows] = False
        here, goal = now.take(rows), torch.where(t[rows] < ends[0], ends[0], ends[1])
        contact = Contact.of(planes, here, drive.jumps(t[rows]), passed[rows])
        motion = Motion.of(planes, here, contact, drive, t[rows], goal - t[rows], rates)
        wrong = wrong_side(planes, motion.end, contact)
        there, hit = motion.end, wrong.any(1).nonzero()[:, 0]
        if len(hit):
            when, plane = _first_root(planes, motion, hit, wrong[hit], goal[hit] - t[rows[hit]])
            goal[hit] = t[rows[hit]] + when
            met, through = _meet(planes, motion, hit, when, plane, drive.jumps(goal[hit]))
            there.put(hit, met)
            passed[rows[hit]] = (passed[rows[hit]] | through) & (met.S != 0)
        now.put(rows, there)
        t[rows] = goal
        arrived = rows[goal == ends[0]]
        first.put(arrived, now.take(arrived))
    return None


def _first_root(
    planes: Planes, motion: Motion, rows: Tensor, wrong: Tensor, dt: Tensor
) -> tuple[Tensor, Tensor]:
    """Time at which each of the rows first meets a plane out of contact, and which plane.

    The plane is chosen by linear interpolation; one that was met a little earlier is found next.
    """
    V, free = motion.start.V[rows], motion.contact.free[rows]
    before, after = (V @ planes.U.T) * free, (motion.end.V[rows] @ planes.U.T) * free
    room = before.clamp_min(0.0)
    fraction = torch.where(wrong, room / (room - after).clamp_min(1e-300), 2.0)
    plane = fraction.argmin(1)
    pick, size = plane[:, None], V.norm(dim=1)
    normal, side = planes.U[plane], free.gather(1, pick)[:, 0]

    def speed(a: Tensor, when: Tensor) -> Tensor:
        field = motion.rates[1] * a[:, None] * (motion.h0[rows] + when[:, None] * motion.h1[rows])
        return side * ((field + motion.drift[rows]) * normal).sum(1)

    low, high = torch.zeros_like(dt), dt
    on = before.gather(1, pick)[:, 0] <= _ON * size
    outward = speed(motion.start.a[rows], low) > 0
    root = torch.where(on & outward, 0.5 * dt, dt * fraction.gather(1, pick)[:, 0])
    on &= ~outward
    for _ in range(_NEWTON):
        root = torch.where((root > low) & (root < high), root, 0.5 * (low + high))
        a, V = motion.at(rows, root)
        value = (V * normal).sum(1) * side
        if bool(((value.abs() <= 1e-10 * size) | on).all()):
            break
        right = value > 0
        low, high = torch.where(right, root, low), torch.where(right, high, root)
        rate = speed(a, root)
        root = root - value / torch.where(rate == 0, 1.0, rate)
    return torch.where(on, 0.0, root), plane


def _meet(
    planes: Planes, motion: Motion, rows: Tensor, when: Tensor, plane: Tensor, jump: Tensor
) -> tuple[Neurons, Tensor]:
    """The rows at the plane just met, which they cross or begin to slide on; and pairs crossed.

    A neuron crosses if beyond the plane it still moves away from where it came.
    """
    a, V = motion.at(rows, when)
    contact, pick, normal = motion.contact, plane[:, None], planes.U[plane]
    free = contact.free[rows]
    side, strength = free.gather(1, pick)[:, 0], jump.gather(1, pick)[:, 0]
    full = torch.zeros_like(motion.along)
    full[rows] = normal
    tangent = contact.normals.project(full)[rows]
    field = motion.h0[rows] + when[:, None] * motion.h1[rows]
    beyond = (field * normal).sum(1) - 2.0 * side * strength * tangent.square().sum(1)
    through = (a * strength >= 0) | (side * a * beyond < 0)
    through &= tangent.square().sum(1) > _ON
    S = free.scatter(1, pick, torch.where(through, -side, 0.0)[:, None])
    flat = V - (V * normal).sum(1, keepdim=True) * normal
    flat *= (V.norm(dim=1) / flat.norm(dim=1).clamp_min(1e-300))[:, None]
    crossed = torch.zeros_like(free, dtype=torch.bool).scatter(1, pick, through[:, None])
    return Neurons(a, flat, S), crossed


def _gather(planes: Planes, chosen: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """``size_k u_k`` of the chosen planes, zero-padded, shape (e, k, d), and their indices."""
    most = max(1, int(chosen.sum(1).max())) if len(chosen) else 1
    columns = chosen.to(torch.int8).topk(most, dim=1).indices
    sizes = torch.where(chosen.gather(1, columns), size.gather(1, columns), 0.0)
    return sizes[:, :, None] * planes.U[columns], columns
