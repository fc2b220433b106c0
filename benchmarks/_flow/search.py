"""The loosest setting of each peer that meets the tolerance, with results kept between sessions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from _isolated import Store, isolated

import lowrot
from _flow.peers import PEERS, REFERENCE
from _flow.problem import parity
from _flow.run import measure

HERE = Path(__file__).parent
DAY = 86400.0
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


class Search:
    """Runs, looks up and judges.

    Args:
        targets: smallest margins at which the clock stops.
        tolerance: relative error of the normalized margin there.
        limit: seconds of a run.
        threads: of each process.
        exact_to: the reference is computed by small steps up to this margin; above, by lowrot.
    """

    def __init__(self, targets, tolerance, limit, threads, exact_to):
        self.targets, self.tolerance, self.limit = targets, tolerance, limit
        self.threads, self.store = threads, Store("flow.json")
        self.reference = self.references(exact_to)

    def run(self, name, setting, target, repeat=0, limit=None):
        """One run to a target, passing the smaller ones; from the store where it is known."""
        targets = [t for t in self.targets if t <= target]
        key = f"{name} | {setting:g} | {target:g} | {repeat} | {self.threads} | {fingerprint(name)}"
        limit = self.limit if limit is None else limit
        if key in self.store:
            known = Run(**self.store[key])
            if known.end in ("done", "failed", "absent") or known.limit >= limit:
                return known
        print(f"{name}, {setting:g}, to {target:g}", end=" ", file=sys.stderr, flush=True)
        told = {"crossings": [], "limit": limit}
        for kind, value in isolated(measure, (name, setting, targets, limit), limit, self.threads):
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

    def known(self, name, setting, target):
        """A run at this setting that tells about the target, new or old: longer or ended before."""
        for other in self.targets:
            key = f"{name} | {setting:g} | {other:g} | 0 | {self.threads} | {fingerprint(name)}"
            if key not in self.store:
                continue
            run = Run(**self.store[key])
            over = run.end == "failed" or (run.end == "limit" and run.limit >= self.limit)
            if run.at(target) or over:
                return run
        return self.run(name, setting, target)

    def references(self, exact_to):
        """Normalized margin by target: two small steps that agree, or lowrot at rtol = 1e-5."""
        found, low = {}, -float("inf")
        for high, pair in REFERENCE[1].items():
            reachable = [t for t in self.targets if low < t <= min(high, exact_to)]
            low = high
            if reachable:
                runs = [self.run("reference", c, reachable[-1], limit=DAY) for c in pair]
                found |= {t: self.agreed(t, *runs) for t in reachable}
        beyond = [t for t in self.targets if t not in found]
        if beyond and hasattr(lowrot, "gradient_flow"):
            run = self.run("lowrot", 1e-5, beyond[-1], limit=DAY)
            found |= {t: run.at(t)["normalized"] for t in beyond if run.at(t)}
        return found

    def agreed(self, target, coarse, fine):
        """The finer of two references; they must agree 50 times better than asked of the peers."""
        if not (coarse.at(target) and fine.at(target)):
            raise RuntimeError(f"the reference did not reach {target:g}: {fine.end} {fine.note}")
        a, b = coarse.at(target)["normalized"], fine.at(target)["normalized"]
        if not abs(a / b - 1.0) <= self.tolerance / 50.0:
            raise RuntimeError(f"two references differ at {target:g}: {a} and {b}")
        return b

    def error(self, crossing):
        exact = self.reference.get(crossing["target"])
        return float("nan") if exact is None else abs(crossing["normalized"] / exact - 1.0)

    def loosest(self, name, target):
        """The loosest setting that is accurate, and the runs that were not or did not arrive.

        A peer that ran into the limit at two settings is taken not to arrive at a tighter one.
        """
        tried, strikes = [], 0
        for setting in PEERS[name][1]:
            run = self.known(name, setting, target)
            tried.append((setting, run))
            crossing = run.at(target)
            if run.end == "absent":
                return None, tried
            if crossing and self.error(crossing) <= self.tolerance:
                return setting, tried
            strikes += run.end == "limit" and crossing is None
            if strikes == 2:
                return None, tried
        return None, tried

    def timed(self, name, setting, target, repeats, short=20.0):
        """Every run at this setting that arrived: repeated where it is short."""
        first = self.known(name, setting, target)
        runs = [first]
        if first.at(target)["seconds"] < short:
            runs += [self.run(name, setting, target, k) for k in range(1, repeats)]
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
        setting, run = max(tried, key=lambda pair: (self.accurate(pair[1]), pair[1].margin))
        if run.end == "absent":
            return {"note": run.note}
        if run.end == "done":
            return {"note": f"error {self.error(run.crossings[-1]):.1e} at {setting:g}"}
        where = f"margin {run.margin:.3g} at {setting:g}"
        inaccurate = "" if self.accurate(run) else ", inaccurate before"
        if run.end == "limit":
            return {"note": f"{run.limit:g} s: {where}{inaccurate}"}
        return {"note": f"{where}{inaccurate}: {run.note}"}

    def accurate(self, run):
        return all(
            self.error(c) <= self.tolerance for c in run.crossings if c["target"] in self.reference
        )


def fingerprint(name):
    """Changes with whatever a stored run of this peer depends on."""
    digest = hashlib.sha256()
    files = [HERE / f"{part}.py" for part in ("crossing", "problem")]
    if name == "lowrot":
        files += [HERE / "lowrot_call.py", *sorted(Path(lowrot.__file__).parent.rglob("*.py"))]
    else:
        files += [HERE / f"{part}.py" for part in ("descent", "solvers", "jax_solvers")]
    for file in files:
        digest.update(file.read_bytes())
    _, _, problem = parity()
    for array in (problem.X, problem.y, problem.start):
        digest.update(array.tobytes())
    for package in VERSIONS:
        try:
            digest.update(importlib.metadata.version(package).encode())
        except importlib.metadata.PackageNotFoundError:
            digest.update(b"absent")
    return digest.hexdigest()[:12]
