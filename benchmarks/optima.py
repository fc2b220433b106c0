"""Seconds, peak memory and certified gap of every optimum at the sizes that must work.

Run as ``python benchmarks/optima.py``: one table; each row in a process of its own.
"""

import time

import torch
from _table import peak_gigabytes, table

from lowrot.data import Dataset, sparse_parity
from lowrot.network import balanced, standard
from lowrot.optima import frozen_margin, global_margin, ntk_margin, svm_margin


def points(n, d, labels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = torch.sign(X[:, 0])
    if labels == "random":
        y = 1.0 - 2.0 * torch.randint(2, (n,), generator=generator).double()
    return Dataset(X / X.norm(dim=1, keepdim=True), y)


def frozen(m, d, n):
    net = balanced(m, d)
    data = sparse_parity(d) if n == 2**d else sparse_parity(d, 2, n)
    return frozen_margin(net.V / net.V.norm(dim=1, keepdim=True), net.a.sign(), data)


def tangent(m, d, block, norm):
    return ntk_margin(standard(m, d), sparse_parity(d), layers=block, norm=norm)


CASES = {
    "svm, n = 1000, d = 10": lambda: svm_margin(points(1000, 10, "teacher")),
    "svm, n = 1000, d = 2000": lambda: svm_margin(points(1000, 2000, "random")),
    "frozen, m = 10^5, n = 64, d = 6": lambda: frozen(100_000, 6, 64),
    "frozen, m = 10^5, n = 64, d = 10": lambda: frozen(100_000, 10, 64),
    "frozen, m = 10^6, n = 64, d = 6": lambda: frozen(1_000_000, 6, 64),
    "ntk outer l2, m = 10^5, n = 64": lambda: tangent(100_000, 6, "outer", "l2"),
    "ntk both l2, m = 10^5, n = 64": lambda: tangent(100_000, 6, "both", "l2"),
    "ntk outer pointwise, m = 10^5, n = 64": lambda: tangent(100_000, 6, "outer", "pointwise"),
    "ntk inner pointwise, m = 10^5, n = 64": lambda: tangent(100_000, 6, "inner", "pointwise"),
    "ntk both pointwise, m = 10^5, n = 64": lambda: tangent(100_000, 6, "both", "pointwise"),
    "global, d = 2, n = 200, random labels": lambda: global_margin(points(200, 2, "random")),
    "global, d = 2, n = 200, linear teacher": lambda: global_margin(points(200, 2, "teacher")),
    "global, d = 3, n = 32, random labels": lambda: global_margin(points(32, 3, "random")),
    "global, d = 4, n = 32, random labels": lambda: global_margin(points(32, 4, "random")),
    "global, d = 5, n = 32, random labels": lambda: global_margin(points(32, 5, "random")),
    "global, d = 5, n = 32, linear teacher": lambda: global_margin(points(32, 5, "teacher")),
    "global, d = 5, 2-sparse parity, whole cube": lambda: global_margin(sparse_parity(5)),
}


def measure(name):
    start = time.perf_counter()
    best = CASES[name]()
    seconds = time.perf_counter() - start
    return {
        "problem": name,
        "seconds": round(seconds, 2),
        "peak GB": peak_gigabytes(),
        "value": f"{best.value:.9g}",
        "gap": f"{best.gap:.1e}",
        "certified": best.certified,
    }


if __name__ == "__main__":
    table(CASES, measure)
