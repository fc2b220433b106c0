"""The theorems on groups, frozen features, symmetric data and parity, asked of the data."""

from __future__ import annotations

import math
from functools import partial
from itertools import combinations

import numpy as np
import torch

from lowrot.data import two_points
from lowrot.diagnosis._case import (
    FEW_FEATURES,
    WORK,
    Case,
    Judged,
    by_theorem,
    judged,
    off_topic,
    scale,
)
from lowrot.diagnosis._verdict import Decision, Needed
from lowrot.network import Network
from lowrot.theorems import (
    Hypothesis,
    Symmetric,
    cap_fractions,
    escape,
    invariant_features,
    locking,
    neural_collapse,
    no_rotation,
    recovery,
    simplicity_bias,
    symmetric,
)
from lowrot.theorems._locking_groups import LEVEL, height_groups
from lowrot.theorems._symmetric_data import SAME_SIZE, all_mirrored, at_most, least_domination

_LEVELS = 150
"""Heights of groups up to which the theorem on locking is built: it compares all threes."""
_NEURONS = 10_000
"""Neurons up to which all pairs of them are compared."""
_CUBE = 1e-9
"""How far coordinates of the cube may be off: rounding of a scale."""
_EXACT = 1e-12
"""How far two points may be from those of a theorem."""


def nothing_asked(case: Case) -> Judged:
    """Theorems without hypotheses on the data."""
    return judged([])


def width_n(case: Case) -> Judged:
    """What a network can reach: attained from as many neurons as points on."""
    m, n = case.standard.m, case.n
    words = "the maximum is attained for sure; the upper bound holds at every width"
    needed = Needed("width", float(n), "evaluated", words)
    hypothesis = Hypothesis("width $m$", m, rf"$\ge n = {n}$", m >= n, n)
    return judged([hypothesis], case.named("standard"), needed)


# ---------------------------------------------------------------- groups and frozen features


def collapse(case: Case, opposite: bool = False) -> Judged:
    """Separated groups, each with a good neuron."""
    build = partial(neural_collapse, data=case.grouped, opposite=opposite)
    theorem = build(case.balanced)
    neurons = [h for h in theorem.hypotheses if h.statement.startswith("good neurons")]
    if any(not h.holds for h in theorem.hypotheses if h not in neurons):
        needed = Needed("width", math.inf, "none", "no width: the groups or the activation fail")
    elif cap_fractions(case.grouped, opposite=opposite).min() == 0:
        needed = Needed("width", math.inf, "none", "no width: no direction is good for some group")
    else:
        needed = case.width(
            lambda m: build(case.balanced_at(m)),
            lambda m: float(case.n) * m * case.d,
            kind="balanced",
        )
    return by_theorem(theorem, case.named("balanced"), needed)


def frozen(case: Case, counted: bool = True) -> Judged:
    """The coupled flow, balanced features of a positive margin; with the width if ``counted``."""
    net = case.balanced
    size = net.V.norm(dim=1)
    off = float(((net.a.abs() - size).abs() / torch.maximum(size, net.a.abs())).nan_to_num().max())
    if off > SAME_SIZE:
        unfit = Hypothesis("imbalance of a neuron", off, at_most(SAME_SIZE), False, SAME_SIZE)
        return judged([unfit], case.named("balanced"))
    theorem = case.coupled
    needed = None
    if not counted:
        return by_theorem(theorem, case.named("balanced"))
    if case.n * net.m <= FEW_FEATURES:
        needed = case.width(
            lambda m: no_rotation(case.balanced_at(m), case.data),
            lambda m: WORK * case.n * m / FEW_FEATURES,
            kind="balanced",
        )
    return by_theorem(theorem, case.named("balanced"), needed)


def two(case: Case) -> Judged:
    """Two points of one label, in the plane."""
    speaks = "it speaks of two points of label +1, cos and +-sin of an angle of 60 to 90 degrees"
    X, y = case.data.X, case.data.y
    if case.n != 2 or case.d != 2 or bool((y != 1).any()):
        return off_topic(speaks)
    phi = math.atan2(abs(float(X[0, 1])), float(X[0, 0]))
    if not math.pi / 3 < phi < math.pi / 2 or not any(
        bool((two_points(phi).X - rows).abs().max() <= _EXACT) for rows in (X, X.flip(0))
    ):
        return off_topic(speaks)
    net = case.balanced
    needed = scale(net, lambda start: escape(start, phi))
    return by_theorem(escape(net, phi), case.named("balanced"), needed)


# ---------------------------------------------------------------- symmetric data


def _part(case: Case, part: str, net: Network, start: str) -> Judged:
    return by_theorem(symmetric(net, case.data, part=part), start, _slope(case, part, net))


def _slope(case: Case, part: str, net: Network) -> Needed | None:
    """The universal bound asks for a leaky network."""
    if part != "any" or net.slope > 0:
        return None
    leaky = Network(net.a, net.V, 0.01)
    if not symmetric(leaky, case.data, part=part).holds:
        return None
    return Needed("slope", 0.01, "evaluated", "the same weights with this slope meet it")


def universal(case: Case) -> Judged:
    """Separable data and a dominated start of a leaky network."""
    return _part(case, "any", case.balanced, case.named("balanced"))


def pairs(case: Case) -> Judged:
    """Symmetric data and pairs of neurons."""
    net = case.net or case.paired_at(case.m)
    return _part(case, "paired", net, case.named("balanced pairs"))


def acute(case: Case) -> Judged:
    """Symmetric data of acute angles."""
    return _part(case, "acute", case.balanced, case.named("balanced"))


def locked(case: Case) -> Judged:
    """The lock-in certificate."""
    if case.balanced.m > _NEURONS:
        return Judged(Decision.TOO_LARGE, "the directions of all pairs of neurons are compared")
    return _part(case, "locked", case.balanced, case.named("balanced"))


def _mirrored(case: Case) -> Hypothesis:
    return all_mirrored(case.data, case.mirror)


def _universal(case: Case) -> Symmetric:
    return symmetric(case.balanced, case.data)


def optimum(case: Case) -> Judged:
    """Symmetric separable data, any network."""
    gamma = _universal(case).gamma.value
    positive = Hypothesis(r"linear margin $\gamma$", gamma, "$> 0$", gamma > 0)
    return judged([positive, _mirrored(case)], "every network")


def odd(case: Case) -> Judged:
    """Symmetric data and a dominated start."""
    gamma, least = _universal(case).gamma.value, least_domination(case.balanced)
    return judged(
        [
            Hypothesis(r"linear margin $\gamma$", gamma, "$> 0$", gamma > 0),
            _mirrored(case),
            Hypothesis(r"least $|a_j|/\|v_j\|$", least, r"$\ge 1$", least >= 1 - SAME_SIZE, 1.0),
        ],
        case.named("balanced"),
    )


def simple(case: Case) -> Judged:
    """Small starts on symmetric data."""
    theorem = simplicity_bias(case.balanced, case.data)
    needed = None
    if case.mirror is not None:
        needed = scale(case.balanced, lambda start: simplicity_bias(start, case.data))
    return by_theorem(theorem, case.named("balanced"), needed)


def lock(case: Case) -> Judged:
    """Locking on the direction of the class means."""
    groups = height_groups(case.data, case.mean.cpu().numpy())
    if len(groups.height) <= _LEVELS:
        return by_theorem(locking(case.balanced, case.data, case.mean), case.named("balanced"))
    across, least = groups.across, float(groups.height.min())
    found = [
        Hypothesis("least height of a point", least, "$> 0$", least > 0),
        Hypothesis("sum of a group across $e$", across, at_most(LEVEL), across <= LEVEL),
    ]
    if all(h.holds for h in found):
        return Judged(Decision.TOO_LARGE, f"{len(groups.height)} groups, all threes of which count")
    return judged(found, case.named("balanced"))


def trap(case: Case) -> Judged:
    """The four points of `fragile_pairs`."""
    speaks = "it speaks of the four points (1, 0), (-1, 0), (b, l), (b, -l)"
    X = case.data.X
    if case.n != 4 or case.d != 2 or case.data.y.tolist() != [1, -1, 1, 1]:
        return off_topic(speaks)
    if not torch.equal(X[:2], X.new_tensor([[1, 0], [-1, 0]])) or not torch.equal(
        X[2] * X.new_tensor([1, -1]), X[3]
    ):
        return off_topic(speaks)
    found = locking(case.balanced, case.data, [1.0, 0.0]).small_start()
    if found is None:
        return off_topic(speaks)
    off = float((case.balanced.a.abs() - case.balanced.V.norm(dim=1)).abs().max())
    factor = math.sqrt(found.mass / found.found) if found.mass > 0 else 0.0
    needed = Needed("scale", factor, "evaluated", "the mass that the theorem allows over this one")
    return judged(
        [
            Hypothesis("imbalance of a neuron", off, at_most(SAME_SIZE), off <= SAME_SIZE),
            Hypothesis(
                "mass of the start", found.found, rf"$\le {found.mass:.3g}$", found.holds,
                found.mass,
            ),
        ],
        case.named("balanced"),
        needed,
    )  # fmt: skip


# ---------------------------------------------------------------- parity


def parity_pair(case: Case) -> tuple[int, int] | None:
    """The coordinates whose product the labels are, on the cube; None of other data."""
    signs = case.data.X.cpu().numpy() * math.sqrt(case.d)
    if case.d < 2 or np.abs(np.abs(signs) - 1).max() > _CUBE:
        return None
    y, signs = case.data.y.cpu().numpy(), np.sign(signs)
    for i, j in combinations(range(case.d), 2):
        if np.array_equal(signs[:, i] * signs[:, j], y):
            return i, j
    return None


_PARITY = "it speaks of points of the cube labelled by the product of two coordinates"


def whole_cube(case: Case) -> Judged:
    """All points of the cube."""
    if parity_pair(case) is None:
        return off_topic(_PARITY)
    found, wanted = len(torch.unique(case.data.X.sign(), dim=0)), 2**case.d
    hypothesis = Hypothesis(
        "points of the cube", found, f"$= 2^d = {wanted}$", found == wanted, wanted
    )
    return judged([hypothesis], "every network")


def features(case: Case) -> Judged:
    """Kernel machines on these samples."""
    if parity_pair(case) is None:
        return off_topic(_PARITY)
    return by_theorem(invariant_features(case.d, case.n), "kernels on these samples")


def exact(case: Case) -> Judged:
    """Networks of largest margin on these samples."""
    pair = parity_pair(case)
    if pair is None:
        return off_topic(_PARITY)
    return by_theorem(recovery(case.data, pair=pair), "networks of largest margin")
