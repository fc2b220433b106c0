"""Seconds a step and peak memory of the gradient flow, against the least that a step must do.

n Gaussian directions in d = 10 with the labels of a narrow network, width m, exponential loss. The
floor of a step is what no implicit step can avoid, each part timed by itself with the same torch:
the two n x m products (``X V^T`` and its transposed), the n x n kernel (of both blocks: two
products) and an n x n Cholesky factorization. The floor of the memory is one n x m array, or what
one chunk of `Network.chunks` takes, if that is less; anything of size n m d is 10 times as large.

Run as ``python benchmarks/flow_scaling.py [words]``: one table; each row in a process of its own,
with two threads. Arguments choose rows by words in their names.
"""

import os
import re
import time
from pathlib import Path

import torch
from _table import table

import lowrot
from lowrot import Dataset, standard

D, THREADS, SECONDS = 10, 2, 60.0
CASES = {
    f"n = {n}, m = 10^{power}": (n, 10**power) for n in (64, 256, 1024) for power in (2, 3, 4, 5)
}


# --- lowrot: the one call that this benchmark is about ------------------------------------------


def follow(net, data):
    """The flow to margin 10^3, or for about a minute: steps, kernels, seconds, status."""
    end = time.perf_counter() + SECONDS
    path = lowrot.gradient_flow(
        net,
        data,
        loss="exponential",
        stop={"min_margin": 1e3, "when": lambda row: time.perf_counter() > end},
        rtol=1e-3,
        save=[1e9],  # the weights along the way would be most of the memory
    )
    stats = path.stats
    return int(stats["steps"]), int(stats["kernels"]), stats["seconds"], path.reason


# --- what it is measured against ----------------------------------------------------------------


def problem(n, m):
    generator = torch.Generator().manual_seed(n)
    X = torch.randn(n, D, generator=generator, dtype=torch.float64)
    X /= X.norm(dim=1, keepdim=True)
    teacher = standard(5, D, seed=1)
    return standard(m, D), Dataset(X, torch.where(teacher(X) > 0, 1.0, -1.0).double())


def floor(net, data):
    """Seconds of the two products, the kernel and the factorization."""
    n, weighted = data.n, data.X / data.n
    sizes = [part.stop - part.start for part in net.chunks(n)]
    z = torch.randn(n, sizes[0], dtype=torch.float64)
    outer, inner = torch.zeros(2, n, n, dtype=torch.float64)
    G = torch.randn(n, n, dtype=torch.float64)
    matrix = G @ G.T + n * torch.eye(n, dtype=torch.float64)

    def products():
        for part in net.chunks(n):
            torch.mm(data.X, net.V[part].T, out=z[:, : part.stop - part.start])
            z[:, : part.stop - part.start].T @ weighted

    def kernel():
        for size in sizes:
            outer.addmm_(z[:, :size], z[:, :size].T)
            inner.addmm_(z[:, :size], z[:, :size].T)

    return [seconds(work) for work in (products, kernel, lambda: torch.linalg.cholesky(matrix))]


def seconds(work):
    """The least of many runs where one is short; the first one is not counted."""
    work()
    taken = []
    while len(taken) < 3 or (sum(taken) < 0.5 and len(taken) < 1000):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
        if taken[0] > 5.0:
            break
    return min(taken)


def resident(which):
    """Megabytes of this process (Linux): VmRSS now, VmHWM at most since the last reset."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) / 1024


def measure(name):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    torch.set_num_threads(THREADS)
    n, m = CASES[name]
    row = {"problem": name}
    follow(*problem(16, 16))  # what a first call loads is not counted
    net, data = problem(n, m)
    Path("/proc/self/clear_refs").write_text("5")  # start the high-water mark anew
    before = resident("VmRSS")
    steps, kernels, taken, reason = follow(net, data)
    memory = resident("VmHWM") - before
    row |= {
        "steps": steps,
        "kernels": kernels,
        "ms a step": 1e3 * taken / max(steps, 1),
        "MB": memory,
        "ended": reason[:40],
    }
    products, kernel, solve = floor(net, data)
    least = 1e3 * (products + kernel + solve)
    chunk = next(iter(net.chunks(n)))
    row |= {
        "products ms": 1e3 * products,
        "kernel ms": 1e3 * kernel,
        "solve ms": 1e3 * solve,
        "floor ms": least,
        "floor MB": 8 * n * (chunk.stop - chunk.start) / 2**20,
    }
    row |= {"ratio": row["ms a step"] / least, "MB ratio": row["MB"] / row["floor MB"]}
    return {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in row.items()}


if __name__ == "__main__":
    table(CASES, measure)
