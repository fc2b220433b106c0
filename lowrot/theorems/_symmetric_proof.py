"""Symmetric data: the hypotheses of each theorem, and the lines of its proof along a path."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lowrot.losses import soft_margin
from lowrot.network import Network
from lowrot.optima import Optimum
from lowrot.path import Path
from lowrot.theorems._rate import RateTheorem
from lowrot.theorems._symmetric_data import (
    SAME_SIZE,
    States,
    all_mirrored,
    at_most,
    imbalance,
    least_domination,
)
from lowrot.theorems._theorem import Hypothesis

_SAME = 1e-9
"""Relative distance up to which neurons are negatives of one another, at a late state, too."""


class Evaluated(RateTheorem):
    """What is known of a start, for the hypotheses and the lines of a proof.

    Attributes:
        part: which starts the theorem speaks of.
        mirror: which point is the mirror of which, shape (n,), or None.
        gamma: the linear margin.
        gain: ``(1 + alpha)/2 gamma``.
        direction: that of the linear margin, shape (d,).
        c: ``s_j v_j . w``, w the direction of the linear margin, shape (m,).
        good: which neurons are good, shape (m,).
        dominated: whether ``|a_j| >= ||v_j||`` for all neurons.
    """

    part: str
    mirror: np.ndarray | None
    gamma: Optimum[Tensor]
    gain: float
    direction: np.ndarray
    c: np.ndarray
    good: np.ndarray
    dominated: bool

    @property
    def a(self) -> np.ndarray:
        """The outer weights at the start, shape (m,)."""
        return self.net.a.cpu().numpy()

    @property
    def ratio(self) -> float:
        """``1 - delta``: the smoothed margin at the start over ``gain/2``."""
        P = float(soft_margin(self.net.margins(self.data), self.loss))
        return max(0.0, P) / (0.5 * self.gain * self.net.norm_squared)


def unpaired(net: Network) -> float:
    """How far the second half of the neurons is from the negatives of the first, relative.

    It is 0 where that is rounding, and infinite for an odd number of neurons.
    """
    if net.m % 2:
        return math.inf
    half = net.m // 2
    away = (net.a[:half] + net.a[half:]).square().sum()
    away = away + (net.V[:half] + net.V[half:]).square().sum()
    distance = float(torch.sqrt(away / net.norm_squared))
    return distance if distance > _SAME else 0.0


def hypotheses(theorem: Evaluated) -> list[Hypothesis]:
    """Evaluate the hypotheses of a part."""
    net, gamma = theorem.net, theorem.gamma
    out = [
        Hypothesis(r"linear margin $\gamma$", gamma.value, "$> 0$", gamma.value > 0),
    ]
    if theorem.part == "any":
        out.append(
            Hypothesis(r"slope $\alpha$ of the activation", net.slope, "$> 0$", net.slope > 0)
        )
    else:
        out.append(all_mirrored(theorem.data, theorem.mirror))
    return out + {
        "any": _any, "paired": _paired, "acute": _acute, "locked": _locked
    }[theorem.part](theorem)  # fmt: skip


def _dominated(theorem: Evaluated) -> Hypothesis:
    least = least_domination(theorem.net)
    return Hypothesis(r"least $|a_j|/\|v_j\|$", least, r"$\ge 1$", theorem.dominated)


def _any(theorem: Evaluated) -> list[Hypothesis]:
    largest = float(theorem.c.max())
    return [
        _dominated(theorem),
        Hypothesis(r"largest $c_j = s_j v_j\cdot w^*$", largest, "$> 0$", largest > 0),
    ]


def _paired(theorem: Evaluated) -> list[Hypothesis]:
    apart = unpaired(theorem.net)
    G = math.exp(theorem.ln_G)
    return [
        Hypothesis("distance from paired neurons", apart, "$= 0$", apart == 0),
        Hypothesis(r"constant $G_0$ of the start", G, "$> 0$", G > 0),
    ]


def _both_signs(theorem: Evaluated) -> list[Hypothesis]:
    counts = {
        word: int((theorem.good & (sign * theorem.a > 0)).sum())
        for word, sign in (("> 0", 1), ("< 0", -1))
    }
    return [
        Hypothesis(f"good neurons with $a_j {word}$", count, r"$\ge 1$", count > 0)
        for word, count in counts.items()
    ]


def _acute(theorem: Evaluated) -> list[Hypothesis]:
    Z = theorem.data.y[:, None] * theorem.data.X
    least = float((Z @ Z.T).min())
    return [
        Hypothesis(r"least product $z_i\cdot z_k$", least, r"$\ge 0$", least >= -1e-15),
        _dominated(theorem),
        *_both_signs(theorem),
    ]


def lock_in(theorem: Evaluated) -> dict[str, float]:
    """The numbers of the certificate: delta, rho, the spread D, the distance allowed, gamma."""
    slope, gamma = theorem.net.slope, theorem.gamma.value
    delta = 1.0 - theorem.ratio
    rho = 0.5 - 0.5 * delta * (1 + slope) / (1 - slope) if slope < 1 else -math.inf
    spread = float(spreads(States.of(theorem.net, theorem.data))[0])
    away = math.sqrt(2 * max(0.0, delta) / rho) if rho > 0 else math.inf
    return {"delta": delta, "rho": rho, "D": spread, "distance": away + spread, "gamma": gamma}


def _locked(theorem: Evaluated) -> list[Hypothesis]:
    net, found = theorem.net, lock_in(theorem)
    alive = States.of(net, theorem.data).alive[0]
    bad, off = int((alive & ~theorem.good).sum()), imbalance(net)
    return [
        Hypothesis(r"slope $\alpha$", net.slope, "$< 1$", net.slope < 1),
        Hypothesis("imbalance of a neuron", off, at_most(SAME_SIZE), off <= SAME_SIZE),
        Hypothesis("neurons that are not good", bad, "$= 0$", bad == 0),
        *_both_signs(theorem),
        Hypothesis(r"share $\varrho$ of each sign", found["rho"], "$> 0$", found["rho"] > 0),
        Hypothesis(
            "distance of directions",
            found["distance"],
            rf"$< \gamma = {found['gamma']:.3g}$",
            found["distance"] < found["gamma"],
        ),
    ]


def spreads(states: States) -> np.ndarray:
    """The largest distance of two ``u_j = v_j/a_j`` of one sign, shape (k,)."""
    from scipy.spatial.distance import cdist

    out = np.zeros(len(states.a))
    for sign in (1, -1):
        for k, (a, V) in enumerate(zip(states.a, states.V)):
            mine = sign * a > 0
            u = V[mine] / a[mine, None]
            if len(u) > 1:
                out[k] = max(out[k], float(cdist(u, u).max()))
    return out


Added = tuple[dict[str, np.ndarray], dict[str, float]]
"""Both sides of lines at the saved times, by name, and the slack of each line."""


def lines(theorem: Evaluated, path: Path) -> Added:
    """What the part of a theorem adds to the growth of the norm."""
    added = {
        "any": _pull_lines,
        "paired": _paired_lines,
        "acute": _good_lines,
        "locked": _locked_lines,
    }[theorem.part]
    return added(theorem, path, States.of(path, theorem.data))


def _pull_lines(theorem: Evaluated, path: Path, states: States) -> Added:
    """The pull along w is at least alpha gamma, and on symmetric data gamma k(e)."""
    slope, gamma = theorem.net.slope, theorem.gamma.value
    pull = (states.fields @ theorem.direction).min(axis=1)
    own = (np.clip(states.along(theorem.direction), 0.0, None) ** 2).sum(axis=1)
    ahead = np.where(own > 0, np.log(np.where(own > 0, 2.0 * own, 1.0)), -math.inf)
    frame = {"pull": pull, "pull_bound": np.full(len(path), slope * gamma), "aligned": ahead}
    slack = {"pull along w": (pull - slope * gamma).min()}
    if math.isfinite(theorem.ln_G):
        growth = theorem.ln_G + 4.0 * theorem.limit * path["tau"]
        slack["growth of what is aligned"] = ((ahead - growth) / np.maximum(1.0, path["tau"])).min()
    if theorem.mirror is not None:
        defect = states.odd_defect()
        k = 0.5 * (1 + slope) - 0.5 * (1 - slope) * np.tanh(0.5 * (1 - slope) * defect)
        frame["odd_bound"] = gamma * k
        slack["pull by oddness"] = (pull - gamma * k).min()
    return frame, slack


def _paired_lines(theorem: Evaluated, path: Path, states: States) -> Added:
    """The network stays paired, and the field is the same for all its neurons."""
    apart = np.array([unpaired(path.network(index)) for index in range(len(path))])
    odd = states.odd_defect() / path["norm_squared"]
    pull = (states.fields @ theorem.direction).min(axis=1)
    return {"apart": apart, "odd": odd, "pull": pull}, {
        "paired": -apart.max(),
        "odd": -odd.max(),
        "pull along w": (pull - theorem.gain).min(),
    }


def _good_lines(theorem: Evaluated, path: Path, states: States) -> Added:
    """Good neurons stay good, and the product of both signs' parts along w grows."""
    kept = states.good[:, theorem.good].mean(axis=1) if theorem.good.any() else np.zeros(len(path))
    c = states.along(theorem.direction)
    parts = [(c[:, theorem.good & (sign * theorem.a > 0)] ** 2).sum(axis=1) for sign in (1, -1)]
    with np.errstate(divide="ignore"):
        potential = math.log(4.0) + 0.5 * (np.log(parts[0]) + np.log(parts[1]))
    growth = theorem.ln_G + 4.0 * theorem.limit * path["tau"]
    scale = np.maximum(1.0, path["tau"])
    held = np.isfinite(growth).all() and np.isfinite(potential).all()
    return {"good": kept, "potential": potential}, {
        "good stay good": (kept - 1.0).min(),
        "growth of both signs": ((potential - growth) / scale).min() if held else -math.inf,
    }


def _locked_lines(theorem: Evaluated, path: Path, states: States) -> Added:
    """Within a sign the directions only come together; with the margin they stay near w."""
    frame, slack = _good_lines(theorem, path, states)
    spread = spreads(states)
    mass = 0.5 * path["norm_squared"]
    away = ((states.V - states.a[:, :, None] * theorem.direction) ** 2).sum(axis=(1, 2)) / mass
    found = lock_in(theorem)
    shares = [
        np.where(sign * states.a > 0, states.a**2, 0.0).sum(axis=1) / mass for sign in (1, -1)
    ]
    least = np.minimum(*shares)
    return frame | {"spread": spread, "away": away, "least_share": least}, slack | {
        "spread falls": -max(0.0, float(np.diff(spread).max(initial=0.0))),
        "near w": 2 * found["delta"] - away.max(),
        "share of each sign": (least - found["rho"]).min(),
    }
