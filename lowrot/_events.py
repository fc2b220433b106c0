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


def move(
    planes: Planes,
    now: Neurons,
    contact: Contact,
    drive: Drive,
    t: Tensor | float,
    dt: Tensor | float,
    rates: Rates,
) -> Neurons:
    """Move neurons from t over dt (for all, or one a neuron); kinks out of contact are ignored."""
    early = t[:, None] if isinstance(t, Tensor) else t
    h0, h1 = drive.field(contact.free)
    h0 = h0 + early * h1
    rows, space = contact.normals.rows, contact.normals
    if not len(rows):
        a, V = propagate(now.a, now.V, h0, h1, dt, rates)
        return Neurons(a, V, contact.free)
    along = space.project(now.V)
    a, V = propagate(now.a, along, space.project(h0), space.project(h1), dt, rates)
    S = contact.free.clone()
    span = dt[rows] if isinstance(dt, Tensor) else dt
    start = t[rows] if isinstance(t, Tensor) else t
    mean = rates[1] * span * 0.5 * (now.a[rows] + a[rows])
    half = span[:, None] * 0.5 if isinstance(span, Tensor) else span * 0.5
    field = h0[rows] + half * h1[rows]
    pull = field - space.tangent(field)
    base = (now.V - along)[rows] + mean[:, None] * pull
    jump = drive.jump[0] + _column(start + 0.5 * span) * drive.jump[1]
    S[rows], offset = _settle(planes, contact.mask[rows], base, mean[:, None] * jump)
    V[rows] += offset
    if rates[0] and rates[1]:
        size = now.V[rows].square().sum(1)
        size = size + rates[1] / rates[0] * (a[rows].square() - now.a[rows].square())
        V[rows] *= (size.clamp_min(0.0).sqrt() / V[rows].norm(dim=1).clamp_min(1e-300))[:, None]
    S[rows] = torch.where(contact.mask[rows], S[rows], contact.free[rows])
    return Neurons(a, V, S)


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
    planes: Planes, neurons: Neurons, drive: Drive, goals: tuple[float, ...], rates: Rates
) -> list[Neurons] | None:
    """Follow neurons from time 0 through their kinks; return them at the goals.

    Returns:
        None if some neuron met more kinks than a step may have.
    """
    now, t, out = neurons.copy(), torch.zeros_like(neurons.a), []
    passed = torch.zeros_like(now.S, dtype=torch.bool)
    for goal in goals:
        for turn in range(_ROUNDS):
            rows = (t < goal).nonzero()[:, 0]
            if not len(rows):
                break
            if turn > _PATIENCE:
                passed[rows] = False
            here, dt = now.take(rows), goal - t[rows]
            jump = drive.jumps(t[rows]) * bool(rates[1])  # frozen neurons do not stick
            contact = Contact.of(planes, here, jump, passed[rows])
            there = move(planes, here, contact, drive, t[rows], dt, rates)
            wrong = wrong_side(planes, there, contact)
            hit = wrong.any(1).nonzero()[:, 0]
            if len(hit):
                root, plane = _first_root(
                    planes,
                    here.take(hit),
                    there.take(hit),
                    wrong[hit],
                    dt[hit],
                    _pick(contact, hit),
                    drive,
                    t[rows[hit]],
                    rates,
                )
                dt[hit] = root
                met = move(
                    planes, here.take(hit), _pick(contact, hit), drive, t[rows[hit]], root, rates
                )
                met, through = _meet(planes, met, plane, drive, t[rows[hit]] + root)
                there.put(hit, met)
                passed[rows[hit]] = (passed[rows[hit]] | through) & (met.S != 0)
            now.put(rows, there)
            t[rows] = t[rows] + dt
            settled = torch.ones(len(rows), dtype=torch.bool, device=t.device)
            settled[hit] = False
            t[rows[settled]] = goal
        else:
            return None
        out.append(now.copy())
    return out


def _pick(contact: Contact, rows: Tensor) -> Contact:
    spaces = contact.normals
    inside = torch.isin(spaces.rows, rows)
    position = torch.searchsorted(rows, spaces.rows[inside])
    return Contact(contact.mask[rows], contact.free[rows], Sliding(position, spaces.basis[inside]))


def _first_root(
    planes: Planes,
    start: Neurons,
    end: Neurons,
    wrong: Tensor,
    dt: Tensor,
    contact: Contact,
    drive: Drive,
    t: Tensor,
    rates: Rates,
) -> tuple[Tensor, Tensor]:
    """Time at which each neuron first meets a plane out of contact, and which plane.

    The plane is chosen by linear interpolation; one that was met a little earlier is found next.
    """
    before = (start.V @ planes.U.T) * contact.free
    after = (end.V @ planes.U.T) * contact.free
    room = before.clamp_min(0.0)
    fraction = torch.where(wrong, room / (room - after).clamp_min(1e-300), 2.0)
    plane = fraction.argmin(1)
    pick = plane[:, None]
    normal, side = planes.U[plane], contact.free.gather(1, pick)[:, 0]
    size = start.V.norm(dim=1)
    root = dt * fraction.gather(1, pick)[:, 0]
    h0, h1 = drive.field(contact.free)
    h0 = contact.normals.project(h0 + t[:, None] * h1)
    h1 = contact.normals.project(h1)
    along = contact.normals.project(start.V)
    off = ((start.V - along) * normal).sum(1)
    drift = (((end.V - contact.normals.project(end.V)) * normal).sum(1) - off) / dt
    on = before.gather(1, pick)[:, 0] <= _ON * size
    outward = side * (rates[1] * start.a * (h0 * normal).sum(1) + drift) > 0
    low, high = torch.zeros_like(dt), dt
    root = torch.where(on & outward, 0.5 * dt, root)
    on &= ~outward
    for _ in range(_NEWTON):
        root = torch.where((root > low) & (root < high), root, 0.5 * (low + high))
        a, V = propagate(start.a, along, h0, h1, root, rates)
        value = ((V * normal).sum(1) + off + drift * root) * side
        if bool(((value.abs() <= 1e-10 * size) | on).all()):
            break
        right = value > 0
        low, high = torch.where(right, root, low), torch.where(right, high, root)
        speed = side * (rates[1] * a * ((h0 + root[:, None] * h1) * normal).sum(1) + drift)
        root = root - value / torch.where(speed == 0, 1.0, speed)
    return torch.where(on, 0.0, root), plane


def _meet(
    planes: Planes, now: Neurons, plane: Tensor, drive: Drive, t: Tensor
) -> tuple[Neurons, Tensor]:
    """Neurons at a plane just met, sliding where their least velocity does; and pairs crossed."""
    S, pick = now.S, plane[:, None]
    jump = drive.jumps(t)
    met = torch.zeros_like(S, dtype=torch.bool).scatter(1, pick, True)
    met |= (now.V @ planes.U.T).abs() <= _ON * now.V.norm(dim=1, keepdim=True)
    met &= S != 0
    attract = met & (now.a[:, None] * jump < 0)
    bound = attract | (S == 0)
    h0, h1 = drive.field(torch.where(bound, 0.0, S))
    D, columns = _gather(planes, bound, jump)
    normal = least_velocity(D, h0 + t[:, None] * h1)
    # D_k.r = jump_k u_k.r, so the side it leaves to is the sign of a u_k.r = a D_k.r / jump_k.
    sides = (now.a[:, None] * normal * jump.gather(1, columns)).sign() * (D != 0).any(2)
    left = torch.zeros_like(S).scatter_add(1, columns, sides)
    hit = torch.zeros_like(met).scatter(1, pick, True)
    S = torch.where(attract, left, torch.where(hit & ~attract, -S, S))
    normal_of = planes.U[plane]
    V = now.V - (now.V * normal_of).sum(1, keepdim=True) * normal_of
    V = V * (now.V.norm(dim=1) / V.norm(dim=1).clamp_min(1e-300))[:, None]
    return Neurons(now.a, V, S), met & (S != 0)


def _gather(planes: Planes, chosen: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """``size_k u_k`` of the chosen planes, zero-padded, shape (e, k, d), and their indices."""
    most = max(1, int(chosen.sum(1).max())) if len(chosen) else 1
    columns = chosen.to(torch.int8).topk(most, dim=1).indices
    sizes = torch.where(chosen.gather(1, columns), size.gather(1, columns), 0.0)
    return sizes[:, :, None] * planes.U[columns], columns


def _column(value: Tensor | float) -> Tensor | float:
    return value[:, None] if isinstance(value, Tensor) else value
