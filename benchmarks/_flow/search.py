"""The loosest setting of each peer that meets the tolerance, with results kept between sessions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import statistics
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from _isolated import Store, isolated
from scipy.interpolate import CubicSpline

import lowrot
from _flow.peers import PEERS, REFERENCE
from _flow.problem import parity
from _flow.run import measure

HERE = Path(__file__).parent
DAY = 86400.0
BEYOND = 1.5
"""The reference goes on to this multiple of the largest target."""
VERSIONS = ("numpy", "scipy", "torch", "torchdiffeq", "diffrax", "jax", "optimistix", "lineax")


@dataclass
class Run:
    """What one process told, by the limit that it had."""

    end: str
    note: str = ""
    setup: float = 0.0
    margin: float = -float("inf")
    crossings: tuple[dict, ...] = ()
    limit: float = 0.0

    def at(self, target):
        return next((c for c in self.crossings if c["target"] == target), None)

    @property
    def furthest(self):
        return max([self.margin, *(c["target"] for c in self.crossings)])


class Search:
    """Runs, looks up and judges.

    Args:
        targets: smallest margins at which the clock stops, increasing.
        tolerance: relative error of the normalized margin there.
        limit: seconds of a run.
        threads: of each process.
        along: whether a run must be that accurate at all smaller targets too.
        setup: of the problem: network, data and `Problem`.
        pairs: of steps of the reference, by the margin to which they serve.
    """

    def __init__(
        self, targets, tolerance, limit, threads, along=False, setup=parity, pairs=REFERENCE[1]
    ):
        self.targets, self.tolerance, self.limit, self.setup = targets, tolerance, limit, setup
        self.threads, self.along, self.store = threads, along, Store("flow.json")
        self.pairs = pairs
        self.reference = self.references()

    def key(self, name, setting, target, repeat):
        mark = fingerprint(name, self.setup)
        return f"{name} | {setting:g} | {target:g} | {repeat} | {self.threads} | {mark}"

    def run(self, name, setting, targets, repeat=0, limit=None):
        """One run through the targets; from the store where it is known."""
        key = self.key(name, setting, targets[-1], repeat)
        limit = self.limit if limit is None else limit
        if key in self.store:
            known = Run(**self.store[key])
            if known.end in ("done", "failed") or known.limit >= limit:
                return known
        print(f"{name}, {setting:g}, to {targets[-1]:g}", end=" ", file=sys.stderr, flush=True)
        told = {"crossings": [], "limit": limit}
        arguments = name, setting, targets, limit, self.setup
        for kind, value in isolated(measure, arguments, limit, self.threads):
            if kind == "crossing":
                told["crossings"].append(value)
            elif kind in ("setup", "margin"):
                told[kind] = value
            else:
                told |= {"end": kind, "note": value}
        if told["end"] != "absent":
            self.store[key] = told
        print(told["end"], told["note"], file=sys.stderr)
        return Run(**told)

    def upto(self, target):
        return [t for t in self.targets if t <= target]

    def known(self, name, setting, target):
        """A run at this setting that tells about the target, new or old: longer or ended before."""
        for other in self.targets:
            key = self.key(name, setting, other, 0)
            if key not in self.store:
                continue
            run = Run(**self.store[key])
            over = run.end == "failed" or (run.end == "limit" and run.limit >= self.limit)
            if run.at(target) or over:
                return run
        return self.run(name, setting, self.upto(target))

    def references(self):
        """The curve of ln(normalized margin) against ln(margin), from pairs of small steps.

        A run may end beyond its target; so the curve does, up to the last pair's end.
        """
        points, low = {}, 0.0
        for high, pair in self.pairs.items():
            if any(low < t <= high for t in self.targets):
                top = BEYOND * max(t for t in self.targets if t <= high)
                grid = [10.0 ** (k / 20.0) for k in range(121) if low < 10.0 ** (k / 20.0) < top]
                margins = sorted({*grid, *(t for t in self.targets if low < t <= high), top})
                runs = [self.run("reference", c, margins, limit=DAY) for c in pair]
                points |= {margin: self.agreed(margin, *runs) for margin in margins}
            low = high
        margins = sorted(points)
        return CubicSpline(np.log(margins), np.log([points[t] for t in margins]), extrapolate=False)

    def agreed(self, target, coarse, fine):
        """The finer of two references; they must agree 50 times better than asked of the peers."""
        if not (coarse.at(target) and fine.at(target)):
            raise RuntimeError(f"the reference did not reach {target:g}: {fine.end} {fine.note}")
        a, b = coarse.at(target)["normalized"], fine.at(target)["normalized"]
        if not abs(a / b - 1.0) <= self.tolerance / 50.0:
            raise RuntimeError(f"two references differ at {target:g}: {a} and {b}")
        return b

    def error(self, crossing):
        """Relative; nan beyond the reference."""
        margin = crossing.get("margin", crossing["target"])
        return abs(crossing["normalized"] / math.exp(self.reference(math.log(margin))) - 1.0)

    def accurate(self, run, target=math.inf):
        """Whether the run was accurate at all that it reached, up to the target."""
        reached = [c for c in run.crossings if c["target"] <= target]
        return all(self.error(c) <= self.tolerance for c in reached)

    def good(self, run, target):
        """Whether the run solves the problem of this target."""
        crossing = run.at(target)
        if crossing is None:
            return False
        return self.accurate(run, target) if self.along else self.error(crossing) <= self.tolerance

    def loosest(self, name, target):
        """The loosest setting that is accurate (None without one), and what was tried.

        A peer that does not reach the target within the limit at two settings, both at least as
        tight as what the smaller target took, is taken not to reach it at a tighter one, nor a
        larger target.
        """
        ladder, tight = PEERS[name][1], 0
        if target > self.targets[0]:
            before = self.targets[self.targets.index(target) - 1]
            setting, tried = self.loosest(name, before)
            if setting is not None:
                tight = ladder.index(setting)
            elif not any(run.at(before) for _, run in tried[-2:]):
                return None, tried
        tried, strikes = [], 0
        for index, setting in enumerate(ladder):
            run = self.known(name, setting, target)
            tried.append((setting, run))
            if run.end == "absent":
                return None, tried
            if self.good(run, target):
                return setting, tried
            strikes += index >= tight and run.end == "limit" and run.at(target) is None
            if strikes == 2:
                return None, tried
        return None, tried

    def timed(self, name, setting, target, repeats, short=20.0):
        """Every run at this setting that arrived: repeated where it is short."""
        first = self.known(name, setting, target)
        runs = [first]
        if first.at(target)["seconds"] < short:
            more = range(1, repeats)
            runs += [self.run(name, setting, self.upto(target), k) for k in more]
        return [run for run in runs if run.at(target)]

    def row(self, name, target, repeats):
        """A row of the table."""
        setting, tried = self.loosest(name, target)
        row = {"target": target, "peer": name}
        if setting is None:
            return row | self.shortfall(tried)
        runs = self.timed(name, setting, target, repeats)
        crossings = [run.at(target) for run in runs]
        seconds = [c["seconds"] for c in crossings]
        return row | {
            "setting": setting,
            "seconds": statistics.median(seconds),
            "least": min(seconds),
            "most": max(seconds),
            "setup": statistics.median(run.setup for run in runs),
            "error": self.error(crossings[0]),
            "steps": crossings[0]["steps"],
            "evaluations": crossings[0]["evaluations"],
        }

    def shortfall(self, tried):
        """How far the best run came, in words."""
        setting, run = max(tried, key=lambda pair: (self.accurate(pair[1]), pair[1].furthest))
        if run.end == "absent":
            return {"note": run.note}
        if run.end == "done":
            return {"note": f"error {self.error(run.crossings[-1]):.1e} at {setting:g}"}
        where = f"margin {run.furthest:.3g} at {setting:g}"
        inaccurate = "" if self.accurate(run) else ", inaccurate before"
        if run.end == "limit":
            return {"note": f"{run.limit:g} s: {where}{inaccurate}"}
        return {"note": f"{where}{inaccurate}: {run.note}"}


@cache
def fingerprint(name, setup=parity):
    """Changes with whatever a stored run of this peer depends on."""
    digest = hashlib.sha256()
    files = [HERE / f"{part}.py" for part in ("crossing", "problem")]
    if name == "lowrot":
        files += [HERE / "lowrot_call.py", *sorted(Path(lowrot.__file__).parent.rglob("*.py"))]
    else:
        files += [HERE / f"{part}.py" for part in ("descent", "solvers", "jax_solvers")]
    for file in files:
        digest.update(file.read_bytes())
    _, _, problem = setup()
    for array in (problem.X, problem.y, problem.start):
        digest.update(array.tobytes())
    for package in VERSIONS:
        try:
            digest.update(importlib.metadata.version(package).encode())
        except importlib.metadata.PackageNotFoundError:
            digest.update(b"absent")
    return digest.hexdigest()[:12]
