"""Shares of starts that meet hypotheses, and of those that conclude, for the page on limits.

Of four theorems over width and dimension: two from the stored sweeps of their chapters, two
computed while the page is built.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

import lowrot
from data import near_init_flow, near_init_sgd
from lowrot.theorems import covering_error

REACHED = 0.99
"""Share of the margin promised that counts as reached: flows are followed for a finite time."""


def gradient_flow() -> pd.DataFrame:
    """Near initialization, exponential loss: ``P >= g^2/4`` at the distance g/2, stored starts."""
    sweep = near_init_flow.read("widths")
    sweep = sweep[sweep.loss == "exponential"]
    sweep = sweep.assign(true=sweep.P_half >= sweep.g**2 / 4, met=sweep.holds == 1)
    return sweep.groupby(["d", "m"])[["met", "true"]].mean().reset_index()


def perceptron() -> pd.DataFrame:
    """One-pass perceptron: displacement and mistakes within their bounds, stored starts."""
    sweep = near_init_sgd.read("widths")
    sweep = sweep[sweep.rule == "perceptron"]
    both = sweep[["displacement", "mistakes"]].min(axis=1)
    return sweep.assign(met=sweep.hypotheses / sweep.starts, true=both / sweep.starts)[
        ["d", "m", "met", "true"]
    ]


def collapse(d: int, m: int, seeds: Sequence[int]) -> dict[str, float]:
    """As many groups as dimensions, balanced starts: a good neuron each; the margin promised."""
    data = lowrot.collapsed_groups(d, d, sizes=2)
    met, true = [], []
    for seed in seeds:
        net = lowrot.balanced(m, d, seed=seed)
        stated = lowrot.neural_collapse(net, data)
        path = lowrot.gradient_flow(net, data, stop={"tau": 40.0}, save=[40.0])
        met.append(stated.holds)
        true.append(path["margin"][-1] >= REACHED / (2 * data.known["S"]))
    return {"d": d, "m": m, "met": float(np.mean(met)), "true": float(np.mean(true))}


def covering(d: int, m: int, seeds: Sequence[int], loss: float) -> dict[str, float]:
    """Frozen directions on parity: a covering that allows a relative loss; the loss itself.

    The covering counts as met if it exists with probability one half.
    """
    data, best = lowrot.sparse_parity(d), 1 / math.sqrt(8 * d)
    met = covering_error(d, m, 4, 0.5) <= loss * best
    true = []
    for seed in seeds:
        net = lowrot.Features.from_network(lowrot.balanced(m, d, seed=seed))
        try:
            value = lowrot.frozen_margin(net.directions, net.signs, data).value
        except lowrot.NotSeparable:
            value = 0.0
        true.append(value >= (1 - loss) * best)
    return {"d": d, "m": m, "met": float(met), "true": float(np.mean(true))}
