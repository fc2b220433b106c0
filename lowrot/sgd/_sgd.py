"""One-pass stochastic gradient descent: every sample is fresh and used once.

``W <- W + eta lam grad p(W)`` with ``p = y f(x; W)`` and ``lam = 1/(1 + exp(p))``, a gradient step
of the logistic loss on one sample; or ``lam = 1`` where ``p <= 0`` and 0 elsewhere, the perceptron.
Source: chapter "Near initialization: one-pass SGD".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset, Stream, parity_stream
from lowrot.data._streams import as_stream
from lowrot.network import Network
from lowrot.path import Path
from lowrot.sgd._batch import Batch

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UPDATES", "Runs", "Stream", "one_pass_sgd", "parity_stream"]

UPDATES = ("logistic", "perceptron")
"""Logistic: ``lam = 1/(1 + e^p)``; perceptron: ``lam = 1`` if p <= 0, else 0."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Runs:
    """Independent one-pass runs of one shape.

    Args:
        start: the networks W_0, one a run.
        a: outer weights after the last sample, shape (runs, m).
        V: inner weights after the last sample, shape (runs, m, d).
        paths: one `Path` a run.
        drawn: the samples that each run took, in order, t points.
        margins: p_s of each sample when it was drawn, shape (runs, t).
        eta: the step sizes, one a run.
        update: "logistic" or "perceptron".
    """

    start: list[Network]
    a: Tensor
    V: Tensor
    paths: list[Path]
    drawn: list[Dataset]
    margins: Tensor
    eta: list[float]
    update: str

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def status(self) -> str:
        """Why the runs ended and whether all are certified, in words."""
        bad = next((path for path in self.paths if not path.ok), self.paths[0])
        return bad.status

    def end(self, run: int) -> Network:
        """Return the network of one run after the last sample.

        Raises:
            TypeError: ``run`` is no integer.
            ValueError: no such run, or weights that are not finite.
        """
        run = _validate.integer("run", run, -len(self), len(self) - 1)
        return Network(self.a[run], self.V[run], self.start[run].slope)

    def frame(self) -> pd.DataFrame:
        """Return the records of all runs, with columns ``run`` and ``eta`` besides."""
        import pandas as pd

        parts = [
            path.frame().assign(run=run, eta=eta)
            for run, (path, eta) in enumerate(zip(self.paths, self.eta, strict=True))
        ]
        return pd.concat(parts, ignore_index=True)


def one_pass_sgd(
    net: Network | Sequence[Network],
    stream: Stream | Dataset | Callable[..., Any],
    *,
    samples: int,
    eta: float | Sequence[float],
    update: str = "logistic",
    seeds: int | Sequence[int] = 0,
    test: Dataset | None = None,
    records: Sequence[int] | None = None,
    keep: bool = False,
    progress: bool = False,
) -> Runs:
    """Train on fresh samples, one step a sample; independent runs go side by side.

    Args:
        net: the start W_0, or one network a run (of one width, dimension and slope). ``net``,
            ``eta`` and ``seeds`` are lists of one length, or single values for all runs.
        stream: where samples come from: a `Stream` such as ``parity_stream(d)``, a `Dataset`
            (uniform draws with replacement), or a function ``draw(start, count, generator)``.
        samples: number t of samples, the same in every run.
        eta: constant step size: the gradient of one sample's loss is multiplied by it, so one
            sample advances the time of gradient flow by eta, and the clock tau by eta lam.
        update: "logistic" (lam = 1/(1 + e^p)) or "perceptron" (lam = 1 if p <= 0, else 0).
        seeds: of the samples, one a run.
        test: points over which errors are computed, each with the same weight; by default the
            population of the stream, so that errors are exact.
        records: counts of samples at which scalars are kept, besides 0 and t; by default about
            eight a decade.
        keep: keep the weights at the records too, as states ``a`` (k, m) and ``V`` (k, m, d).
        progress: print a line about every two seconds.

    Returns:
        `Runs`, one `Path` a run, with columns ``tau`` (eta sum lam), ``samples`` (s),
        ``sum_lam`` (sum of lam over the first s samples), ``mistakes`` (samples with p <= 0 when
        drawn), ``rho`` (``||W_s - W_0||``), ``norm_a``, ``norm_V``, ``norm_squared``
        (``||W_s||^2``), ``largest_gradient`` (of ``||grad p||`` so far), ``test_error``
        (``Pr[p(W_s) <= 0]``) and ``test_lam`` (mean of lam) over the test points, nan without.
        An interrupt (Ctrl-C) ends the runs and returns them so far (before the first sample it is
        raised).

    Raises:
        ValueError, TypeError: arguments that do not fit together, each named with its value; or
            samples that are not data (`Dataset` says why).

    Source: chapter "Near initialization: one-pass SGD".
    """
    source = as_stream(stream)
    samples = _validate.integer("samples", samples, 1)
    update = _validate.choice("update", update, UPDATES)
    keep, progress = _validate.flag("keep", keep), _validate.flag("progress", progress)
    given = {"net": _list(net), "eta": _list(eta), "seeds": _list(seeds)}
    count = max(len(values) for values in given.values())
    for name, values in given.items():
        if len(values) not in (1, count):
            raise ValueError(f"{name} has {len(values)} entries; expected 1 or {count}, one a run")
    nets = _alike(given["net"] * (count // len(given["net"])))
    steps = [_validate.number(f"eta[{i}]", e, 0.0) for i, e in enumerate(given["eta"])]
    seed = [_validate.integer(f"seeds[{i}]", k, 0) for i, k in enumerate(given["seeds"])]
    steps, seed = steps * (count // len(steps)), seed * (count // len(seed))
    if test is not None:
        _validate.kind("test", test, Dataset)
    tested = source.population if test is None else test
    if tested is not None and tested.d != nets[0].d:
        raise ValueError(f"test has d = {tested.d}; expected {nets[0].d}, as the networks take")
    rates = nets[0].a.new_tensor(steps)
    batch = Batch(nets, source, rates, update, seed, tested, keep)
    end = batch.follow(samples, _counts(records, samples), progress)
    metas = [
        {"kind": "sgd", "update": update, "eta": e, "seed": k, "stream": source.name}
        for e, k in zip(steps, seed, strict=True)
    ]
    paths = batch.paths(end, metas)
    drawn, margins = zip(*(batch.taken(run) for run in range(count)), strict=True)
    a, V = batch.state.a.clone(), batch.state.V.transpose(1, 2).contiguous()
    return Runs(nets, a, V, paths, list(drawn), torch.stack(margins), steps, update)


def _counts(records: Sequence[int] | None, samples: int) -> list[int]:
    """Check the counts to record, or choose about eight a decade."""
    if records is None:
        spread = np.geomspace(1, samples, max(2, round(8 * np.log10(samples)) + 1))
        return [0, *np.unique(spread.round().astype(int)).tolist()]
    listed = _validate.listed("records", records)
    chosen = [_validate.integer(f"records[{i}]", r, 0, samples) for i, r in enumerate(listed)]
    return [0, *chosen, samples]


def _alike(nets: list[Network]) -> list[Network]:
    """Check that the networks can go side by side."""
    for i, net in enumerate(nets):
        if not isinstance(net, Network):
            raise TypeError(f"net[{i}] is {net!r}; expected a Network")
        if (net.V.shape, net.slope) != (nets[0].V.shape, nets[0].slope):
            raise ValueError(
                f"net[{i}] has m, d = {tuple(net.V.shape)} and slope {net.slope:g}; expected "
                f"{tuple(nets[0].V.shape)} and {nets[0].slope:g}, as net[0]"
            )
        if net.norm_squared == 0:
            raise ValueError(f"net[{i}] is zero; no sample ever moves it")
        _validate.same_device(**{"net[0]": nets[0].V, f"net[{i}]": net.V})
    return nets


def _list(value: T | Sequence[T]) -> list[Any]:
    """Return a list of the entries, or of the single value."""
    if isinstance(value, (np.ndarray, Tensor)):
        return list(value) if value.ndim else [value]
    return list(value) if isinstance(value, (list, tuple, range)) else [value]
