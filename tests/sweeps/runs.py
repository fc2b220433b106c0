"""Functions that the tests of sweeps run: in a file of their own, as a store asks for."""

import os
import signal
import time
from pathlib import Path


def product(a, b, seed):
    return {"value": a * b + seed}


def two_rows(a, seed):
    return [{"t": 0.0, "x": a}, {"t": 0.5, "x": a + seed}]


def counted(a, seed, log):
    with Path(log).open("a") as file:
        file.write(f"{a},{seed}\n")
    return {"value": a}


def slow(a, seed, log):
    time.sleep(0.3)
    return counted(a, seed, log)


def failing(a, seed):
    if a == 2:
        raise ArithmeticError(f"a is {a}, seed {seed}")
    return {"value": a}


def dying(a, seed):
    if a == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return {"value": a}


def large(a, seed):
    return {"text": "x" * 20_000}


def nothing(a, seed):
    return []


def wrong(a, seed):
    return [7, {"x": [1, 2]}, {"a": 1}][a]


def flaky(a, seed, flag):
    if not Path(flag).exists():
        raise OSError("not yet")
    return {"value": a}


def flow(m, seed):
    import lowrot

    data = lowrot.sparse_parity(3)
    path = lowrot.gradient_flow(lowrot.standard(m, 3, seed), data, stop={"P": 2.0})
    return {"tau": path["tau"][-1], "P": path["P"][-1]}
