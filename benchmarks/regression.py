"""Peak memory of the flow of the squared loss with every step saved, to 1e-10 of its first loss.

Random signs at n Gaussian points in d = 10, width m, both layers at one rate. The states are the
weights and the residuals of all steps; the peak is that of the process, the imports included.

Run as ``python benchmarks/regression.py [words]``: one table; each row in a process of its own,
with one thread. Arguments choose rows by words in their names.
"""

import torch
from _table import peak_gigabytes, table

import lowrot

D = 10
CASES = {f"n = {n}, m = {m}": (n, m) for n in (50, 200) for m in (60, 200, 2000)}


def measure(name):
    torch.set_num_threads(1)
    n, m = CASES[name]
    net = lowrot.standard(m, D, seed=0)
    data = lowrot.gaussian_regression(n, D, seed=0)
    imported = peak_gigabytes()
    path = lowrot.regression_flow(net, data.X, data.y)
    return {
        "problem": name,
        "outcome": str(path.outcome),
        "relative loss": f"{path['relative_loss'][-1]:.1e}",
        "steps": len(path) - 1,
        "seconds": round(path.stats["seconds"], 2),
        "states MB": round(sum(states.nbytes for states in path.states.values()) / 2**20, 1),
        "imports GB": imported,
        "peak GB": peak_gigabytes(),
    }


if __name__ == "__main__":
    table(CASES, measure)
