"""Set-ups and the stored sweep of the chapter on neighbours.

Command: ``python book/data/neighbours.py variance``.

Writes ``neighbours_variance.csv`` (outer-layer training on Gaussian inputs: the factor of the noise
and the squared bias at the end, by dimension and number of samples), with its provenance in the
first lines. About two minutes on one core. The chapter recomputes a slice.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import lowrot
from lowrot.kernels import spline_interpolant
from lowrot.theorems import OuterRisk, outer_risk

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, live

SWEEPS = Sweeps(__file__)
read, provenance = SWEEPS.read, SWEEPS.provenance
WIDTH = 1200
DIMENSIONS = (2, 5, 20, 60, 200)
SAMPLES = (10, 20, 40, 80, 160)
SEEDS = range(12)


def first_layer(m: int, H: float, seed: int) -> lowrot.Network:
    """Neurons ``s(chi (x - b))/sqrt m`` of inputs (x, 1), outer weights 0.

    Signs are fair, knots b uniform on [-H, H].
    """
    generator = torch.Generator().manual_seed(seed)
    knots = H * (2 * torch.rand(m, generator=generator, dtype=torch.float64) - 1)
    signs = 1.0 - 2.0 * torch.randint(2, (m,), generator=generator).double()
    V = signs[:, None] * torch.stack([torch.ones(m).double(), -knots], dim=1) / math.sqrt(m)
    return lowrot.Network(torch.zeros(m).double(), V)


def rows(x: torch.Tensor) -> torch.Tensor:
    """Inputs (x, 1) of numbers x."""
    return torch.stack([x, torch.ones_like(x)], dim=1)


def least_fit(net: lowrot.Network, x: torch.Tensor, y: torch.Tensor) -> lowrot.Network:
    """The same neurons with the outer weights of least norm that meet the labels."""
    features = (rows(x) @ net.V.T).clamp_min(0)
    return lowrot.Network(torch.linalg.pinv(features) @ y, net.V)


def first_order(x: torch.Tensor, y: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The limit of ``H (f_H - f_inf)``: ``beta_1 f_1/2`` at the inputs, by the spline's system."""
    n, spline = len(x), spline_interpolant(x, y)
    system = torch.zeros(n + 2, n + 2, dtype=torch.float64)
    system[:n, :n] = (x[:, None] - x).abs() ** 3 / 6
    system[:n, n:], system[n:, :n] = rows(x).flip(1), rows(x).flip(1).T
    last = torch.eye(n + 2, dtype=torch.float64)[-1]
    c, beta = torch.linalg.solve(system, last).split([n, 2])
    one = (at[:, None] - x).abs() ** 3 / 6 @ c + rows(at).flip(1) @ beta
    return spline.beta[1] * one / 2


def directions(
    count: int, seed: int = 0, d: int = 3
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Draws of d unit inputs on the positive side of a unit neuron w: pairs (X, w)."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        X = torch.randn(d, d, generator=generator, dtype=torch.float64)
        w = torch.randn(d, generator=generator, dtype=torch.float64)
        X, w = X / X.norm(dim=1, keepdim=True), w / w.norm()
        yield X * torch.sign(X @ w)[:, None], w


def target(d: int) -> lowrot.Network:
    """One neuron along the first axis, of mean square 1/2."""
    return lowrot.Network([1.0], torch.eye(d, dtype=torch.float64)[:1])


def drawn(d: int, n: int, seed: int, m: int = WIDTH) -> OuterRisk:
    """The risk for Gaussian samples and features of one seed."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return outer_risk(lowrot.standard(m, d, seed=seed + 1000), X, target(d))


def crowded(n: int, seed: int) -> bool:
    """Whether samples of a draw in the plane lie so closely that no features tell them apart.

    Three on one side between two neighbouring kinks, or more than two, counted up to sign, beyond
    two between kinks.
    """
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, 2, generator=generator, dtype=torch.float64).numpy()
    V = lowrot.standard(WIDTH, 2, seed=seed + 1000).V.numpy()
    kinks = np.sort(np.arctan2(V[:, 0], -V[:, 1]) % math.pi)
    angle = np.arctan2(X[:, 1], X[:, 0]) % (2 * math.pi)
    place = np.searchsorted(kinks, angle % math.pi)
    turned = (angle >= math.pi) ^ (place == len(kinks))  # the last interval wraps around
    place = place % len(kinks)
    one_side = np.bincount(2 * place + turned).max()
    beyond = (np.bincount(place) - 2).clip(min=0).sum()
    return bool(one_side > 2 or beyond > 2)


def sampled(risk: OuterRisk, t: float, sigma: float, count: int = 4000) -> tuple[float, float]:
    """Mean of ``(f_t(x) - f*(x))^2`` over drawn inputs and noise, and its standard error."""
    generator = torch.Generator().manual_seed(7)
    n, d = risk.X.shape
    x = torch.randn(count, d, generator=generator, dtype=torch.float64)
    noise = sigma * torch.randn(count, n, generator=generator, dtype=torch.float64)
    features = (x @ risk.net.V.T).clamp_min(0)
    unit = torch.stack([risk.weights(t, e) for e in torch.eye(n, dtype=torch.float64)])
    labels = risk.target(risk.X) + noise
    off = (((features @ unit.T) * labels).sum(dim=1) - risk.target(x)) ** 2
    return float(off.mean()), float(off.std()) / math.sqrt(count)


def in_time(d: int, n: int, t: np.ndarray, sigma: float, seeds: range, m: int) -> pd.DataFrame:
    """Bias and noise over the power of the target at the times, a row a draw and a time."""
    frames = []
    for seed in seeds:
        risk = drawn(d, n, seed, m)
        bias, noise = risk.bias_squared(t), sigma**2 * risk.variance(t)
        over = risk.target_power
        columns = {"d": d, "seed": seed, "t": t, "bias": bias / over, "noise": noise / over}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def end_of_training(d: int, n: int, seed: int) -> dict[str, object]:
    """``V`` and ``bias`` (squared, over that of zero) at the end of training.

    ``spans`` says whether K is invertible; where it is not, there is no V and no bias.
    """
    risk = drawn(d, n, seed)
    end = {"V": math.nan, "bias": math.nan}
    if risk.holds:
        over = risk.target_power
        end = {"V": risk.variance(math.inf), "bias": risk.bias_squared(math.inf) / over}
    return {"spans": risk.holds} | {name: float(value) for name, value in end.items()}


def variance(d: int, n: int, seeds: Iterable[int]) -> pd.DataFrame:
    """Rows of `end_of_training`, computed here and now."""
    return live(end_of_training, [{"d": d, "n": n}], seeds)


PARTS = {"variance": lambda: SWEEPS.run(end_of_training, {"d": DIMENSIONS, "n": SAMPLES}, SEEDS)}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:])
