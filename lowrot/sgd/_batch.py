"""A batch of one-pass runs as one tensor program: every run takes the same step at once."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lowrot.data import Dataset, Stream
from lowrot.integrate import Recorder
from lowrot.network import Network
from lowrot.path import End, Outcome, Path

BLOCK = 1024
"""Samples drawn at once."""

CERTIFICATES = {
    "norm": (
        1e-9,
        "||W||^2 is the sum of its increments 4 c p + c^2 ||G||^2, c = eta lam: margins and "
        "gradients of every step agree with the weights, relative to ||W||^2",
    ),
}


class Record(NamedTuple):
    """One run at one count: scalars, kept weights, and the drift of its squared norm."""

    row: dict[str, float]
    kept: dict[str, np.ndarray]
    drift: float


class State(NamedTuple):
    """The runs after ``taken`` samples; replaced as a whole, so that an interrupt leaves it whole.

    ``a`` has shape (runs, m), ``V`` (runs, d, m); ``total`` (4, runs) holds, run by run, the sum
    of lam, the mistakes, the squared norm by its increments, and the largest ``||G||^2``.
    """

    taken: int
    a: Tensor
    V: Tensor
    total: Tensor


class Batch:
    """Runs of one width and input dimension, side by side."""

    def __init__(
        self,
        start: Sequence[Network],
        stream: Stream,
        eta: Tensor,
        update: str,
        seeds: Sequence[int],
        test: Dataset | None,
        keep: bool,
    ) -> None:
        self.start, self.stream, self.eta = start, stream, eta
        self.perceptron, self.test, self.keep = update == "perceptron", test, keep
        self.slope = start[0].slope
        a = torch.stack([net.a for net in start])
        V = torch.stack([net.V.T for net in start]).contiguous()
        self.start_a, self.start_V = a, V
        total = a.new_zeros(4, len(start))
        total[2] = a.square().sum(1) + V.square().sum((1, 2))
        self.state = State(0, a.clone(), V.clone(), total)
        self._spare = (torch.empty_like(a), torch.empty_like(V))
        self._z, self._s, self._u = (torch.empty_like(a) for _ in range(3))
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.drawn: list[tuple[Tensor, Tensor]] = []
        self.margins: list[Tensor] = []
        self.records: list[list[Record]] = []
        self.started = time.perf_counter()

    def follow(self, samples: int, records: Sequence[int], progress: bool) -> End:
        """Take the samples; return why the runs ended."""
        wanted, shown = set(records), self.started
        try:
            while True:
                taken = self.state.taken
                if taken in wanted and self.last_record < taken:
                    self.record()
                if taken == samples:
                    return End(Outcome.REACHED, f"took {samples} samples")
                if taken % BLOCK == 0 and len(self.drawn) * BLOCK <= taken:
                    self._draw(min(BLOCK, samples - taken))
                    if not bool(torch.isfinite(self.state.total[2]).any()):
                        words = f"no run is finite after {taken} samples: eta is too large"
                        return End(Outcome.ROUNDING, words)
                self._step()
                if progress and time.perf_counter() - shown > 2.0:
                    shown = time.perf_counter()
                    print(self._line(samples), flush=True)
        except KeyboardInterrupt:
            if self.state.taken == 0:
                raise
            words = f"interrupted after {self.state.taken} of {samples} samples"
            return End(Outcome.INTERRUPTED, words)

    def _draw(self, count: int) -> None:
        """Draw the next block of every run, checked as data."""
        start = len(self.drawn) * BLOCK
        blocks = []
        for generator in self.generators:
            drawn = self.stream.draw(start, count, generator)
            if not isinstance(drawn, (tuple, list)) or len(drawn) != 2:
                raise TypeError(f"stream drew {drawn!r}; expected inputs and labels, a pair")
            try:
                block = Dataset(*drawn).to(self.start_a.device)
            except (TypeError, ValueError) as error:
                raise type(error)(f"stream drew samples that are no data: {error}") from error
            if block.X.shape != (count, self.start_V.shape[1]):
                raise ValueError(
                    f"stream drew inputs of shape {tuple(block.X.shape)}; expected "
                    f"({count}, {self.start_V.shape[1]}), as the networks take"
                )
            blocks.append(block)
        X = torch.stack([block.X for block in blocks], dim=1)
        y = torch.stack([block.y for block in blocks], dim=1)
        self.margins.append(torch.full_like(y, math.nan))
        self.drawn.append((X, y))

    def _step(self) -> None:
        """Take one sample in every run: ``W <- W + eta lam grad p``."""
        taken, a, V, total = self.state
        block, row = divmod(taken, BLOCK)
        x, y = self.drawn[block][0][row], self.drawn[block][1][row]
        z, s, u = self._z, self._s, self._u
        torch.bmm(x[:, None], V, out=z[:, None])
        self._activate(z, s)
        p = y * torch.linalg.vecdot(a, s)
        lam = (p <= 0).to(p.dtype) if self.perceptron else torch.sigmoid(-p)
        torch.gt(z, 0.0, out=u)
        if self.slope:
            u.mul_(1.0 - self.slope).add_(self.slope)
        u.mul_(a)
        square = torch.linalg.vecdot(s, s) + torch.linalg.vecdot(u, u) * x.square().sum(1)
        c = self.eta * lam
        spare_a, spare_V = self._spare
        torch.addcmul(a, s, (c * y)[:, None], out=spare_a)
        torch.addcmul(V, ((c * y)[:, None] * x)[:, :, None], u[:, None, :], out=spare_V)
        norm = total[2] + 4.0 * c * p + c.square() * square
        largest = torch.maximum(total[3], square)
        total = torch.stack([total[0] + lam, total[1] + (p <= 0), norm, largest])
        self.margins[block][row] = p
        self._spare, self.state = (a, V), State(taken + 1, spare_a, spare_V, total)

    def _activate(self, z: Tensor, s: Tensor) -> None:
        if self.slope:
            torch.mul(z, self.slope, out=s)
            torch.maximum(z, s, out=s)
        else:
            torch.clamp_min(z, 0.0, out=s)

    @property
    def last_record(self) -> int:
        """Samples taken at the last record, -1 before the first."""
        return int(self.records[-1][0].row["samples"]) if self.records else -1

    def record(self) -> None:
        """Keep the scalars of every run; errors are exact over the test points."""
        taken, a, V, total = self.state
        squares = torch.stack([a.square().sum(1), V.square().sum((1, 2))])
        moved = (a - self.start_a).square().sum(1) + (V - self.start_V).square().sum((1, 2))
        records = []
        for run in range(len(self.start)):
            lam, mistakes, norm, largest = total[:, run].tolist()
            outer, inner = squares[:, run].tolist()
            row = {"tau": float(self.eta[run]) * lam, "samples": float(taken), "sum_lam": lam}
            row |= {"mistakes": mistakes, "rho": math.sqrt(float(moved[run]))}
            row |= {"norm_a": math.sqrt(outer), "norm_V": math.sqrt(inner)}
            row |= {"norm_squared": outer + inner, "largest_gradient": math.sqrt(largest)}
            row |= self._tested(run)
            kept = {"a": a[run], "V": V[run].T} if self.keep else {}
            copies = {name: w.cpu().numpy().copy() for name, w in kept.items()}
            records.append(Record(row, copies, abs(norm / (outer + inner) - 1.0)))
        self.records.append(records)

    def _tested(self, run: int) -> dict[str, float]:
        if self.test is None or not bool(torch.isfinite(self.state.total[2, run])):
            return {"test_error": math.nan, "test_lam": math.nan}
        net = Network(self.state.a[run], self.state.V[run].T.contiguous(), self.slope)
        p = net.margins(self.test)
        wrong = (p <= 0).to(p.dtype)
        lam = wrong if self.perceptron else torch.sigmoid(-p)
        return {"test_error": float(wrong.mean()), "test_lam": float(lam.mean())}

    def taken(self, run: int) -> tuple[Dataset, Tensor]:
        """Return the samples that one run took, and their margins when they were drawn."""
        count = self.state.taken
        X, y, p = (
            torch.cat([part[:, run] for part in parts])[:count]
            for parts in (*zip(*self.drawn, strict=True), self.margins)
        )
        return Dataset(X, y, None, self.stream.name), p.clone()

    def paths(self, end: End, metas: Sequence[dict[str, Any]]) -> list[Path]:
        """Return what was recorded and the present state, one path a run."""
        if self.last_record < self.state.taken:
            self.record()
        recorders = [Recorder(CERTIFICATES) for _ in self.start]
        for records in self.records:
            for recorder, record in zip(recorders, records, strict=True):
                recorder.violation("norm", record.drift)
                recorder.add(record.row, record.kept)
        stats = {
            "samples": float(self.state.taken),
            "seconds": time.perf_counter() - self.started,
        }
        return [r.path(end, dict(stats), m) for r, m in zip(recorders, metas, strict=True)]

    def _line(self, samples: int) -> str:
        mean = (self.state.total[1] / self.state.taken).mean()
        return (
            f"samples {self.state.taken} of {samples}  mistakes a sample {float(mean):.3g}  "
            f"{time.perf_counter() - self.started:.0f} s"
        )
