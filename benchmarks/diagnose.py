"""Seconds and peak memory of a diagnosis at the sizes that must work, on two threads.

Run as ``python benchmarks/diagnose.py``: one table; each row in a process of its own.
"""

import time

import torch
from _table import peak_gigabytes, table

from lowrot import Dataset, diagnose, gaussian_regression


def points(n, d, labels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    product = X @ torch.ones(d, dtype=torch.float64)
    y = torch.sign(product if labels == "linear" else product * X[:, 0])
    return Dataset(X / X.norm(dim=1).max(), y)


CASES = {
    "linear labels, n = 1000, d = 30": lambda: points(1000, 30, "linear"),
    "products as labels, n = 1000, d = 30": lambda: points(1000, 30, "product"),
    "regression, n = 1000, d = 30": lambda: gaussian_regression(1000, 30, "teacher"),
}


def measure(name):
    torch.set_num_threads(2)
    data = CASES[name]()
    start = time.perf_counter()
    found = diagnose(1000, data)
    return {
        "data": name,
        "seconds": round(time.perf_counter() - start, 1),
        "peak GB": peak_gigabytes(),
        "hold": found.count("holds"),
        "fail": found.count("fails"),
        "too large": found.count("too large to decide"),
    }


if __name__ == "__main__":
    table(CASES, measure)
