"""Neurons followed through kinks: where one arrives it crosses, or stays and slides."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lowrot._motion import CROSSED, Arc, Contact, Motion, Neurons
from lowrot._neurons import Drive
from lowrot._planes import Planes

_ON = 1e-9
"""Distance from a plane over ``||v||`` at which a neuron is on it."""
_ROUNDS, _PATIENCE, _NEWTON = 200, 20, 30


def wrong_side(planes: Planes, now: Neurons, contact: Contact) -> Tensor:
    """Which pairs out of contact have crossed their plane, shape (m, N)."""
    Z = now.V @ planes.U.T
    return (Z * contact.free < -CROSSED * now.V.norm(dim=1, keepdim=True)) & ~contact.mask


@dataclass(frozen=True)
class Tracked:
    """Neurons at two goals, and the arcs of their way there with the times spent on each."""

    states: tuple[Neurons, Neurons]
    arcs: list[tuple[Arc, Tensor]]

    def slip(self) -> float:
        """The slip of the whole way, see `Arc.slip`."""
        return sum(arc.slip(span) for arc, span in self.arcs)

    def energy(self) -> float:
        """The energy of the whole way, see `Arc.energy`."""
        return sum(arc.energy(span) for arc, span in self.arcs)


def track(
    planes: Planes, opening: Motion, drive: Drive, goals: tuple[float, float]
) -> Tracked | None:
    """Follow neurons from time 0 through their kinks, to the two goals.

    Args:
        planes: the hyperplanes of the data.
        opening: their motion to the first goal, kinks out of contact ignored.
        drive: the field.
        goals: two times, increasing.

    Returns:
        None if some neuron met more kinks than a step may have.
    """
    neurons, rates = opening.arc.start, opening.arc.rates
    ends = neurons.a.new_tensor(goals)
    arcs: list[tuple[Arc, Tensor]] = []
    now, t, first = neurons.copy(), torch.zeros_like(neurons.a), neurons.copy()
    passed = torch.zeros_like(now.S, dtype=torch.bool)
    for count in range(_ROUNDS):
        rows = (t < ends[1]).nonzero()[:, 0]
        if not len(rows):
            return Tracked((first, now), arcs)
        if count > _PATIENCE:
            passed[rows] = False
        goal = torch.where(t[rows] < ends[0], ends[0], ends[1])
        motion = opening
        if count:
            here, jump = now.take(rows), drive.jumps(t[rows])
            jump = jump * bool(rates[1])  # frozen neurons do not stick
            contact = Contact.of(planes, here, jump, passed[rows])
            motion = Motion.of(planes, here, contact, drive, t[rows], goal - t[rows], rates)
        contact = motion.contact
        wrong = wrong_side(planes, motion.end, contact)
        there, hit = motion.end, wrong.any(1).nonzero()[:, 0]
        if len(hit):
            arc, free = motion.arc.take(hit), contact.free[hit]
            when, plane = _first_root(
                planes, arc, free, wrong[hit], there.V[hit], goal[hit] - t[rows[hit]]
            )
            goal[hit] = t[rows[hit]] + when
            full = torch.zeros_like(there.V)
            full[hit] = planes.U[plane]
            tangent = contact.normals.project(full)[hit]
            jump = drive.jumps(goal[hit])
            met, through = _meet(planes, arc, free, when, plane, tangent, jump)
            there.put(hit, met)
            passed[rows[hit]] = (passed[rows[hit]] | through) & (met.S != 0)
        arcs.append((motion.arc, goal - t[rows]))
        now.put(rows, there)
        t[rows] = goal
        arrived = rows[goal == ends[0]]
        first.put(arrived, now.take(arrived))
    return None


def _first_root(
    planes: Planes, arc: Arc, free: Tensor, wrong: Tensor, V_end: Tensor, dt: Tensor
) -> tuple[Tensor, Tensor]:
    """Time at which each neuron first meets a plane out of contact, and which plane.

    The plane is chosen by linear interpolation; one that was met a little earlier is found next.
    """
    V = arc.start.V
    before, after = (V @ planes.U.T) * free, (V_end @ planes.U.T) * free
    room = before.clamp_min(0.0)
    fraction = torch.where(wrong, room / (room - after).clamp_min(1e-300), 2.0)
    plane = fraction.argmin(1)
    pick, size = plane[:, None], V.norm(dim=1)
    toward = free.gather(1, pick) * planes.U[plane]

    low, high = torch.zeros_like(dt), dt
    on = before.gather(1, pick)[:, 0] <= _ON * size
    outward = (arc.velocity(arc.start.a, low) * toward).sum(1) > 0
    root = torch.where(on & outward, 0.5 * dt, dt * fraction.gather(1, pick)[:, 0])
    on &= ~outward
    found = on
    for _ in range(_NEWTON):
        inside = (root > low) & (root < high)
        root = torch.where(found | inside, root, 0.5 * (low + high))
        a, V = arc.at(root)
        value = (V * toward).sum(1)
        found = found | (value.abs() <= 1e-10 * size)
        if bool(found.all()):
            break
        right = value > 0
        low, high = torch.where(right, root, low), torch.where(right, high, root)
        rate = (arc.velocity(a, root) * toward).sum(1)
        root = torch.where(found, root, root - value / torch.where(rate == 0, 1.0, rate))
    return torch.where(on, 0.0, root), plane


def _meet(
    planes: Planes,
    arc: Arc,
    free: Tensor,
    when: Tensor,
    plane: Tensor,
    tangent: Tensor,
    jump: Tensor,
) -> tuple[Neurons, Tensor]:
    """The neurons at the plane just met, which they cross or begin to slide on; and pairs crossed.

    A neuron crosses if beyond the plane it still moves away from where it came; ``tangent`` is the
    plane's normal without its part along the normals of planes in contact.
    """
    a, V = arc.at(when)
    pick, normal = plane[:, None], planes.U[plane]
    side, strength = free.gather(1, pick)[:, 0], jump.gather(1, pick)[:, 0]
    bend = tangent.square().sum(1)
    beyond = (arc.field(when) * normal).sum(1) - 2.0 * side * strength * bend
    through = (a * strength >= 0) | (side * a * beyond < 0)
    through &= bend > _ON
    S = free.scatter(1, pick, torch.where(through, -side, 0.0)[:, None])
    flat = V - (V * normal).sum(1, keepdim=True) * normal
    flat *= (V.norm(dim=1) / flat.norm(dim=1).clamp_min(1e-300))[:, None]
    crossed = torch.zeros_like(free, dtype=torch.bool).scatter(1, pick, through[:, None])
    return Neurons(a, flat, S), crossed
