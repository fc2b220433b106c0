"""Flows that two builds of lowrot follow, each in a process of its own that is asked for them.

Run by `builds.py` as ``python _cases.py``: reads names of cases, one a line, and answers each with
one line of JSON. It uses only what both builds have.
"""

import json
import sys
import time

import torch

import lowrot


def parity(d, m, margin, n=None, seed=0):
    data = lowrot.sparse_parity(d) if n is None else lowrot.sparse_parity(d, 2, n, seed)
    return lowrot.standard(m, d, seed=seed), data, margin


def directions(n, m, tau, d=10):
    """Gaussian directions with the labels of a narrow network."""
    generator = torch.Generator().manual_seed(n)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    X /= X.norm(dim=1, keepdim=True)
    teacher = lowrot.standard(5, d, seed=1)
    y = torch.where(teacher(X) > 0, 1.0, -1.0).double()
    return lowrot.standard(m, d), lowrot.Dataset(X, y), tau


def gaussian(n, d, m, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = 1.0 - 2.0 * torch.randint(2, (n,), generator=generator).double()
    return lowrot.standard(m, d, seed=seed), X, y


def classify(case, rtol, *, loss="exponential", rule="min_margin"):
    net, data, target = case
    return lowrot.gradient_flow(net, data, loss=loss, stop={rule: target}, rtol=rtol, save=[1e9])


def regress(case, rtol):
    net, X, y = case
    return lowrot.regression_flow(net, X, y, stop={"relative_loss": 1e-10}, rtol=rtol, save=[1e30])


CASES = {
    f"parity d = 6, m = 512, margin {margin:g}": (classify, parity(6, 512, margin))
    for margin in (10.0, 1e2, 1e3, 1e4, 1e6)
} | {
    "sampled parity d = 16, n = 50, m = 64, P = 1000": (
        lambda case, rtol: classify(case, rtol, rule="P"),
        parity(16, 64, 1e3, n=50),
    ),
    "sweep d = 8, n = 32, m = 64, P = 100": (
        lambda case, rtol: classify(case, rtol, rule="P"),
        parity(8, 64, 1e2, n=32),
    ),
    "sweep, logistic": (
        lambda case, rtol: classify(case, rtol, rule="P", loss="logistic"),
        parity(8, 64, 1e2, n=32),
    ),
    "regression n = 100, d = 10, m = 60": (regress, gaussian(100, 10, 60)),
    "directions n = 256, m = 1000, tau = .743": (
        lambda case, rtol: classify(case, rtol, rule="tau"),
        directions(256, 1000, 0.743),
    ),
    "directions n = 1024, m = 1000, tau = .0404": (
        lambda case, rtol: classify(case, rtol, rule="tau"),
        directions(1024, 1000, 0.0404),
    ),
}


def answer(name, rtol):
    """One run: seconds of the processor, counts, and the number that is compared."""
    follow, case = CASES[name]
    start = time.process_time()
    path = follow(case, rtol)
    seconds = time.process_time() - start
    column = "P" if "tau" in name else "normalized"
    column = column if column in path.columns else "norm_squared"
    counts = {key: int(path.stats[key]) for key in ("steps", "rejected", "iterations", "kernels")}
    return counts | {
        "seconds": seconds,
        "value": float(path[column][-1]),
        "certified": path.ok,
        "ended": path.reason,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in sys.stdin:
        name, rtol = json.loads(line)
        print(json.dumps(answer(name, rtol)), flush=True)
