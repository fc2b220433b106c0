"""The stored sweeps of the chapter on regression: ``python book/data/regression.py``.

Writes ``regression_phases.csv`` (where runs end, and when they are certified, by points, width and
ratio of rates), ``regression_labels.csv`` and ``regression_kinds.csv`` (the same by kind of labels,
at two widths and at a third), with their provenance in the first lines. About an hour on one core.
The chapter recomputes a row.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

import lowrot
from lowrot.theorems import regression_certificate, regression_outer

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, too
from data._sweeps import Sweeps

SWEEPS = Sweeps(__file__)
read, provenance = SWEEPS.read, SWEEPS.provenance
D = 10
SEEDS = range(20)
RATES = ("1:1", "1:m", "V only")
RATIOS = (1.0, 1.5, 2.0, 3.0, 6.0, 20.0)
CELLS = {
    (50, "1:1"): RATIOS,
    (50, "1:m"): RATIOS,
    (50, "V only"): RATIOS,
    (100, "1:1"): RATIOS,
    (100, "1:m"): RATIOS,
    (200, "1:1"): (1.5, 2.0, 3.0, 6.0),
    (200, "1:m"): (2.0, 3.0, 6.0),
}
"""Ratios of inner weights to points, by the number of points and the rates."""
LABEL_RATIOS = {"labels": (2.0, 6.0), "kinds": (3.0,)}
LABELS = ("signs", "teacher", "fast", "slow", "anti", "worst")
PHASES = ("certified", "converged", "stuck", "open")
_THIN = 0.2
"""Between two states at which the certificate is tried the logarithm of the loss falls by this."""


def rates_of(name: str, m: int) -> tuple[float, float]:
    """The rates of the outer and of the inner weights."""
    return {"1:1": (1.0, 1.0), "1:m": (1.0, float(m)), "V only": (0.0, 1.0), "a only": (1.0, 0.0)}[
        name
    ]


def width(n: int, ratio: float) -> int:
    """The width with ``m d = ratio n``."""
    return round(ratio * n / D)


def problem(
    n: int, ratio: float, rates: str, seed: int, labels: str = "signs"
) -> tuple[lowrot.Network, Any, tuple[float, float]]:
    """The start, the data and the rates of a run."""
    m = width(n, ratio)
    net, eta = lowrot.standard(m, D, seed=seed), rates_of(rates, m)
    return net, lowrot.gaussian_regression(n, D, labels, seed=seed, net=net, rates=eta), eta


def follow(
    net: lowrot.Network, data: Any, eta: tuple[float, float], rtol: float = 1e-3, **stop: Any
) -> lowrot.Path:
    """The flow, every step saved."""
    return lowrot.regression_flow(net, data.X, data.y, rates=eta, rtol=rtol, stop=stop or None)


def thin(path: lowrot.Path) -> list[int]:
    """Saved states between which the loss falls by a factor, without the last."""
    kept = [0]
    for k in range(1, len(path) - 1):
        if path["ln_loss"][k] <= path["ln_loss"][kept[-1]] - _THIN:
            kept.append(k)
    return kept


def change(path: lowrot.Path, data: Any, eta: tuple[float, float], k: int) -> float:
    """Relative change of the kernel of the flow from the start to a saved state.

    That is the tangent kernel, without what neurons that slide cannot do: the one-sided kernel
    depends there on the sign of a rounding error.
    """
    first, later = (path.network(i).kernel(data.X, rates=eta).numpy() for i in (0, k))
    return float(np.linalg.norm(later - first) / np.linalg.norm(first))


def phase(path: lowrot.Path, fires: bool) -> str:
    """How a run ended, in one of four words."""
    if path.outcome == "reached" and path.ok:
        return "certified" if fires else "converged"
    return "stuck" if path.outcome == "stationary" and path.ok else "open"


def late_rates(path: lowrot.Path, data: Any, eta: tuple[float, float]) -> tuple[float, float]:
    """Real rate of the loss over that of the sliding kernel, and of the one-sided one.

    Medians over steps of the last quarter of the time in which the loss fell.
    """
    t, ln_loss = path["t"], path["ln_loss"]
    late = [k for k in range(len(t) - 1) if t[k] >= 0.75 * t[-1]][-24:]
    found: dict[float | None, list[float]] = {1e-9: [], None: []}
    for k in late:
        real = (ln_loss[k] - ln_loss[k + 1]) / (t[k + 1] - t[k])
        for kink, ratios in found.items():
            ends = []
            for i in (k, k + 1):
                K = path.network(i).kernel(data.X, rates=eta, kink=kink).numpy()
                r = path["q"][i]
                ends.append(2.0 * float(r @ K @ r) / float(r @ r))
            ratios.append(real / (0.5 * sum(ends)))
    return tuple(float(np.median(x)) if x else math.nan for x in found.values())  # type: ignore


def first_certified(
    path: lowrot.Path, net: lowrot.Network, data: Any, eta: tuple[float, float]
) -> dict[str, Any]:
    """When A and B hold first, and what B says then, against what the run does afterwards."""
    row: dict[str, Any] = dict.fromkeys(
        ("B_loss", "B_share", "B_change", "A_loss", "pairs", "flips", "flips_off", "used"), math.nan
    )
    kept = thin(path)
    if net.m >= data.n and eta[0]:
        held = (
            k for k in kept if regression_outer(path.network(k), data.X, data.y, rates=eta).holds
        )
        k = next(held, None)
        row["A_loss"] = math.nan if k is None else path["relative_loss"][k]
    theorem = regression_certificate(net, data.X, data.y, rates=eta)
    for k in kept:
        late = theorem.at(path.network(k))
        if late.holds:
            _, rest = theorem.late(path, k)
            check = late.check(rest)
            row |= {
                "B_loss": path["relative_loss"][k],
                "B_share": path["t"][k] / path["t"][-1],
                "B_change": change(path, data, eta, k),
                "pairs": int(late.Z.sum()),
                "flips": int(check.frame.flipped.max()),
                "flips_off": int(check.frame.off.max()),
                "used": check.frame.distance.max() / late.rho,
                "B_check": check.holds,
            }
            break
    return row


def run(n: int, ratio: float, rates: str, seed: int, labels: str = "signs") -> dict[str, Any]:
    """One run: how it ends, when it is certified, how far its kernel has changed by then."""
    net, data, eta = problem(n, ratio, rates, seed, labels)
    path = follow(net, data, eta)
    r = np.array([float((path.network(-1)(data.X) - data.y)[i]) for i in range(n)])
    row = {
        "m": net.m,
        "outcome": str(path.outcome),
        "loss": path["relative_loss"][-1],
        "ok": path.ok,
        "mismatch": float(np.linalg.norm(path["q"][-1] + r) / np.linalg.norm(r)),
        "change": change(path, data, eta, -1),
        "sliding": int(path["sliding"][-1]),
        "steps": len(path) - 1,
        "B_check": True,
    }
    row |= {"rate": math.nan, "rate_one_sided": math.nan}
    first = dict.fromkeys(("B_loss", "A_loss"), math.nan)
    if path.outcome == "reached":
        row["rate"], row["rate_one_sided"] = late_rates(path, data, eta)
        first = first_certified(path, net, data, eta)
    fires = not (math.isnan(first["B_loss"]) and math.isnan(first["A_loss"]))
    return row | first | {"phase": phase(path, fires)}


def grid(name: str) -> list[dict[str, Any]]:
    """The points of a sweep."""
    if name in LABEL_RATIOS:
        kinds = [kind for kind in LABELS if kind != "signs"]  # those are among the phases
        return [
            {"n": 50, "ratio": ratio, "rates": "1:1", "labels": kind}
            for kind in kinds
            for ratio in LABEL_RATIOS[name]
        ]
    return [
        {"n": n, "ratio": ratio, "rates": rates}
        for (n, rates), ratios in CELLS.items()
        for ratio in ratios
    ]


PARTS = {
    name: lambda name=name: SWEEPS.run(run, grid(name), SEEDS)
    for name in ("phases", "labels", "kinds")
}

if __name__ == "__main__":
    SWEEPS.main(PARTS, sys.argv[1:])
