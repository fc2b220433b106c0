"""The stored sweeps of the chapter on sample complexity: ``python book/data/parity.py``.

Writes one slice a kind of method, each with its provenance in the first lines:
``parity_kernels.csv`` (kernels, random features, linear), ``parity_far.csv`` (kernels in more
dimensions, at fewer sizes), ``parity_frozen.csv``, ``parity_margin.csv`` (networks of maximal
margin), ``parity_flow.csv``, ``parity_wide.csv`` and ``parity_wider.csv`` (gradient flow of 64 and
of 4 d^2 neurons, stopped early and trained on), ``parity_sgd.csv`` and ``parity_program.csv`` (the
least number of samples at which the linear program of recovery is feasible). About an hour on one
core; a part can be recomputed alone, for example ``python book/data/parity.py flow``. The chapter
recomputes a slice of each.

Every task is one stream of samples, of which the first n are taken for growing n (nested).
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch

import lowrot
from lowrot.metrics import correlation
from lowrot.metrics import test_error as error_of

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps, live

SWEEPS = Sweeps(__file__)
read, provenance = SWEEPS.read, SWEEPS.provenance
SEEDS = range(24)
PROGRAM_SEEDS = range(60)
RATIO = 1.2
"""Between two sizes; five of them, about where the error is expected to meet 0.05."""
WHOLE = 14
"""Up to this d errors are exact, over the whole cube; beyond, over fixed points of it."""
TEST_POINTS, TEST_SEED = 2**13, 10**6

DIMENSIONS = {
    "NTK, outer": (8, 12, 16, 24),
    "NTK, full": (8, 12),
    "K2": (8, 12, 16, 24),
    "random features": (8, 12),
    "linear": (8, 12),
}
FAR_DIMENSIONS = {
    "K2": (32, 48),
    "NTK, outer": (32, 48),
    "NTK, full": (16, 24, 32, 48),
    "random features": (16, 24, 32),
}
"""Of the kernels at few sizes; random features stop where their number, 4 d^2, is too large."""


def _grid(dimensions: dict[str, tuple[int, ...]]) -> list[dict[str, str | int]]:
    """A point of a sweep for each method and dimension."""
    return [{"method": method, "d": d} for method, at in dimensions.items() for d in at]


KERNEL_GRID, FAR_GRID = _grid(DIMENSIONS), _grid(FAR_DIMENSIONS)
FROZEN_DIMENSIONS = (8, 12, 16)
MARGIN_DIMENSIONS = (10, 12, 14)
FLOW_DIMENSIONS = (8, 12, 16, 20, 24, 32)
WIDE_DIMENSIONS = (6, 8)
WIDER_DIMENSIONS = {"early": (12, 16), "flow": (12, 16)}
WIDER_GRID = [{"kind": kind, "d": d} for kind, at in WIDER_DIMENSIONS.items() for d in at]
SGD_DIMENSIONS = (6, 8, 10, 12)
PROGRAM_DIMENSIONS = (8, 12, 16, 24, 32, 48)
EXPECTED: dict[str, Callable[[int], float]] = {
    "NTK, outer": lambda d: 0.62 * d * d + 1.0 * d,
    "NTK, full": lambda d: 0.474 * d * d + 2.38 * d,
    "K2": lambda d: 0.365 * d * (d - 1) + 2,
    "random features": lambda d: 0.62 * d * d + 1.0 * d,
    "linear": lambda d: 0.474 * d * d + 2.38 * d,
    "frozen": lambda d: 0.42 * d * d + 2.0 * d,
    "margin": lambda d: 2.6 * d,
    "flow": lambda d: 2.1 * d**1.13,
    "early": lambda d: 0.45 * d * d + 3.0 * d,
}
"""Where each method is expected to have an error of 0.05: only chooses the sizes measured."""
FAR_EXPECTED: dict[str, Callable[[int], float]] = {
    "K2": lambda d: 0.365 * d * (d - 1),
    "NTK, outer": lambda d: 0.4275 * d * d + 2.05 * d,
    "NTK, full": lambda d: 0.508 * d * d + 1.74 * d,
    "random features": lambda d: 0.49 * d * d + 2.1 * d,
}
"""The same from what smaller dimensions needed: three sizes about it are enough."""
FAR_RATIO = 1.15


def sizes(method: str, d: int) -> list[int]:
    """The numbers of samples measured of a method."""
    if d in FAR_DIMENSIONS.get(method, ()):
        return [round(FAR_EXPECTED[method](d) * FAR_RATIO**k) for k in (-1, 0, 1)]
    middle, first = EXPECTED[method](d), -1 if method == "margin" else -2
    return [round(middle * RATIO**k) for k in range(first, first + 5)]


@cache
def population(d: int) -> lowrot.Dataset | int:
    """Where errors are taken: the whole cube, or fixed points of it."""
    return d if d <= WHOLE else lowrot.sparse_parity(d, n=TEST_POINTS, seed=TEST_SEED)


def measured(predictor: Callable[[torch.Tensor], torch.Tensor], d: int) -> dict[str, float]:
    """The error and the squared correlation with the target.

    Outputs that are zero but for rounding are wrong, as exact zeros are.
    """
    where = population(d)
    size = float(predictor(lowrot.sparse_parity(d, n=256, seed=TEST_SEED).X).abs().max())
    if isinstance(where, lowrot.Dataset):
        outputs = predictor(where.X)  # once for both numbers

        def predictor(X: torch.Tensor) -> torch.Tensor:
            return outputs

    found = correlation(predictor, where)
    return {"error": error_of(predictor, where, zero=1e-9 * size), "cor2": found**2}


def nested(d: int, n: int, seed: int) -> lowrot.Dataset:
    """The first n samples of a stream."""
    return lowrot.sparse_parity(d, n=n, seed=seed)


def fixed_features(d: int, seed: int) -> torch.Tensor:
    """4 d^2 random unit directions, shape (4 d^2, d)."""
    V = lowrot.standard(4 * d * d, d, seed + 1).V
    return V / V.norm(dim=1, keepdim=True)


def _kernel(method: str, d: int, seed: int) -> Callable[..., torch.Tensor]:
    if method == "K2":
        return lowrot.parity_kernel
    if method == "linear":
        return lambda X, Z: X @ Z.T
    if method == "random features":
        V = fixed_features(d, seed)
        return lambda X, Z: (X @ V.T).clamp_min(0) @ (Z @ V.T).clamp_min(0).T
    return lambda X, Z: lowrot.ntk(X, Z, method.removeprefix("NTK, "))


def kernels(method: str, d: int, seed: int) -> list[dict[str, float]]:
    """Rows by n: hard-margin SVM of a kernel (K2, linear: the interpolant of least norm).

    ``ratio`` is the squared quotient of radius and margin, of the leave-one-out bound.
    """
    kernel, rows = _kernel(method, d, seed), []
    for n in sizes(method, d):
        data, ratio = nested(d, n, seed), math.nan
        predictor: Callable[[torch.Tensor], torch.Tensor]
        if method in ("K2", "linear"):
            predictor = lowrot.interpolant(kernel, data)
        else:
            machine = lowrot.kernel_svm(kernel, data)
            predictor, ratio = machine.predictor, machine.ratio
            if method == "random features":  # few weights rather than a kernel at each point
                V = fixed_features(d, seed)
                predictor = _combination(V, machine.predictor.weights @ (data.X @ V.T).clamp_min(0))
        rows.append({"n": n, **measured(predictor, d), "ratio": ratio})
    return rows


def frozen(d: int, seed: int) -> list[dict[str, float]]:
    """Rows by n: the maximal margin on 4 d^2 random directions, each with both signs."""
    V, rows = fixed_features(d, seed), []
    both, signs = torch.cat([V, V]), torch.cat([torch.ones(len(V)), -torch.ones(len(V))]).double()
    for n in sizes("frozen", d):
        u = lowrot.frozen_margin(both, signs, nested(d, n, seed)).primal
        weights = u[: len(V)] + u[len(V) :]
        used = weights != 0
        rows.append({"n": n, **measured(_combination(V[used], weights[used]), d)})
    return rows


def _combination(V: torch.Tensor, u: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda X: (X @ V.T).clamp_min(0) @ u


def margin(d: int, seed: int) -> list[dict[str, float]]:
    """Rows by n: the network of the largest margin that column generation finds, and its gap.

    ``excess`` is its margin over that of the whole cube, ``gap`` that to the rigorous bound,
    ``searched`` that to what the search says.
    """
    rows = []
    for n in sizes("margin", d):
        data = nested(d, n, seed)
        with warnings.catch_warnings():  # of a gap, which is in the row
            warnings.simplefilter("ignore", RuntimeWarning)
            best = lowrot.global_margin(data, search=32)
        row = {"n": n, **measured(best.primal, d), "excess": best.value * math.sqrt(8 * d) - 1}
        found = best.upper if best.searched is None else best.searched
        row |= {"gap": best.upper / best.value - 1, "searched": found / best.value - 1}
        rows.append(row | {"feasible": lowrot.parity_recovery(data).feasible})
    return rows


def _followed(m: int, d: int, n: int, seed: int, late: bool) -> dict[str, float]:
    """One flow: errors at P = 2 and, if it is trained on, at P = 1000."""
    data, net = nested(d, n, seed), lowrot.standard(m, d, seed)
    path = lowrot.gradient_flow(net, data, stop={"P": 2})
    row = {"n": n} | {f"{key}_early": value for key, value in measured(path.network(), d).items()}
    row["moved"] = path["rho"][-1]
    if late:
        path = lowrot.gradient_flow(net, data, stop={"P": 1000}, resume=path)
        row |= {f"{key}_late": value for key, value in measured(path.network(), d).items()}
        row["normalized"] = path["normalized"][-1] * math.sqrt(32 * d)
    return row | {"certified": path.ok}


def flow(d: int, seed: int) -> list[dict[str, float]]:
    """Rows by n: gradient flow of 64 neurons, from the standard start."""
    return [_followed(64, d, n, seed, True) for n in sizes("flow", d)]


def wide(kind: str, d: int, seed: int) -> list[dict[str, float]]:
    """Rows by n: gradient flow of 4 d^2 neurons, about the sizes of one of both regimes."""
    return [_followed(4 * d * d, d, n, seed, kind == "flow") for n in sizes(kind, d)]


def sgd(d: int, seed: int) -> list[dict[str, float]]:
    """Rows by number of samples: one-pass perceptron near initialization, 16 d^2 neurons.

    The step is that which the theorem allows for the margin sqrt(2/pi)/(2 d) of wide networks.
    """
    net, t = lowrot.standard(16 * d * d, d, seed), 64 * d * d
    counts = np.unique(np.geomspace(t / 32, t, 16).round().astype(int))
    runs = lowrot.one_pass_sgd(
        net,
        lowrot.parity_stream(d),
        samples=t,
        eta=3 / (32 * math.pi) / 2 / d**2,
        update="perceptron",
        seeds=seed,
        records=counts,
    )
    path = runs.paths[0]
    rows = zip(path["samples"], path["test_error"], path["rho"])
    return [{"n": int(n), "error": e, "rho": rho} for n, e, rho in rows if n in counts]


def program(d: int, seed: int) -> dict[str, float]:
    """The least n at which the program of recovery is feasible: more samples keep it so."""
    low, high = d // 2, 4 * d
    while not lowrot.parity_recovery(nested(d, high, seed)).feasible:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        feasible = lowrot.parity_recovery(nested(d, middle, seed)).feasible
        low, high = (low, middle) if feasible else (middle, high)
    return {"n": high}


PARTS = {
    "program": lambda: SWEEPS.run(program, {"d": PROGRAM_DIMENSIONS}, PROGRAM_SEEDS),
    "flow": lambda: SWEEPS.run(flow, {"d": FLOW_DIMENSIONS}, SEEDS),
    "kernels": lambda: SWEEPS.run(kernels, KERNEL_GRID, SEEDS),
    "far": lambda: SWEEPS.run(kernels, FAR_GRID, SEEDS),
    "frozen": lambda: SWEEPS.run(frozen, {"d": FROZEN_DIMENSIONS}, SEEDS),
    "margin": lambda: SWEEPS.run(margin, {"d": MARGIN_DIMENSIONS}, SEEDS),
    "wide": lambda: SWEEPS.run(wide, {"kind": ("early", "flow"), "d": WIDE_DIMENSIONS}, SEEDS),
    "wider": lambda: SWEEPS.run(wide, WIDER_GRID, SEEDS),
    "sgd": lambda: SWEEPS.run(sgd, {"d": SGD_DIMENSIONS}, SEEDS),
}

__all__ = ["PARTS", "live", "provenance", "read"]

if __name__ == "__main__":
    from data import parity  # by its name: other processes cannot be sent the cache of a script

    parity.SWEEPS.main(parity.PARTS, sys.argv[1:])
