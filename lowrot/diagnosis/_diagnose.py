"""Ask every theorem of the book about the reader's own data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lowrot import _validate
from lowrot.data import Dataset, RegressionData
from lowrot.diagnosis import _numbers, _runs
from lowrot.diagnosis._case import Case
from lowrot.diagnosis._catalogue import CATALOGUE
from lowrot.diagnosis._diagnosis import Diagnosis
from lowrot.diagnosis._given import Reading, given
from lowrot.network import Network

if TYPE_CHECKING:
    import pandas as pd

MOST_WIDTH = 1_000_000
"""Widths up to which a start is sampled at once."""

PAIRS = 50_000_000
"""Pairs of a neuron and a point, or a coordinate, up to which a start is kept: about 2 GB."""

Part = tuple[str, str, Callable[[], Any]]
"""What it is called, the field it belongs to, and what makes it."""


def diagnose(
    net_or_width: Network | int,
    data: str | os.PathLike[str] | pd.DataFrame | Dataset | RegressionData | tuple[Any, Any],
    *,
    task: str = "auto",
    pair: Sequence[Any] | None = None,
    rest: Any = None,
    positive: Any = None,
    target: str | int | None = None,
    features: str | int | Sequence[Any] | None = None,
    sep: str | None = None,
    decimal: str | None = None,
    standardize: bool = False,
    slope: float = 0.0,
    seed: int = 0,
    run: bool = False,
    progress: bool = False,
) -> Diagnosis:
    """Ask every theorem of the book about data of your own.

    Inputs are divided by the largest norm, real labels by the root of their mean square; whatever
    was done to the data is among the ``notes``. What is too large to be exact is replaced by
    bounds, which say so. An interrupt (Ctrl-C) ends the work and returns what is finished.

    Args:
        net_or_width: a network, m neurons in d dimensions, of which everything is asked; or the
            width m of the starts of this book, each theorem at the one that it speaks of.
        data: a file or a frame (read as `load` does, also with real labels or several), data, or
            inputs and labels (X, y).
        task: "classification", "regression", or "auto": labels that are not whole are real ones,
            two labels are classes, and anything else is refused.
        pair: two labels, of which the first is +1; points of others are left out.
        rest: the label that is +1; all others are -1.
        positive: of two labels the one that is +1.
        target: the column of the labels, as for `load`.
        features: the columns of the inputs, as for `load`.
        sep: what separates columns, as for `load`.
        decimal: the decimal mark, as for `load`.
        standardize: give every column mean 0 and mean square 1 first (and real labels mean 0).
        slope: of the activation of sampled starts, in [0, 1].
        seed: of sampled starts.
        run: whether flows are followed, too.
        progress: whether to show on standard error what is being done.

    Returns:
        A `Diagnosis`, with one verdict for every theorem of the book.

    Raises:
        FileNotFoundError: no such file.
        ImportError: a package that reads this kind of file is not installed.
        ValueError: data that `load` or `Dataset` refuses, several labels without ``pair`` or
            ``rest``, or numbers out of bounds.
        TypeError: arguments of another kind.

    Source: chapter "Your own data".
    """
    own = isinstance(net_or_width, Network)
    m = net_or_width.m if isinstance(net_or_width, Network) else _validate.integer(
        "net_or_width", net_or_width, 1, MOST_WIDTH
    )  # fmt: skip
    slope = _validate.number("slope", slope, 0.0, 1.0)
    if isinstance(net_or_width, Network):
        if slope:
            raise ValueError(f"slope is {slope:g}; expected 0 beside a network, which has its own")
        slope = net_or_width.slope
    seed = _validate.integer("seed", seed, 0)
    run, progress = _validate.flag("run", run), _validate.flag("progress", progress)
    reading = Reading(task, pair, rest, positive, target, features, sep, decimal, standardize)
    found = given(data, reading)
    net = net_or_width.to("cpu") if isinstance(net_or_width, Network) else None
    if net is not None and net.d != found.data.d:
        raise ValueError(f"net_or_width has d = {net.d}; expected {found.data.d}, as the data")
    if net is not None and net.norm_squared == 0:
        raise ValueError("net_or_width has only zero weights; expected some that are not")
    most = PAIRS // max(found.data.n, found.data.d)
    if m > most:
        raise ValueError(
            f"net_or_width is {m}; expected at most {most}, as all neurons are kept for all "
            f"{found.data.n} points of {found.data.d} coordinates"
        )
    case = Case(found, net, m, slope, seed)
    rows, left = _worked(_parts(case, run), progress)
    return Diagnosis(
        found.data.name or "your data",
        "classification" if found.classification else "regression",
        case.n, case.d, m, slope, seed, own, found.notes, **rows, unfinished=tuple(left),
    )  # fmt: skip


def _parts(case: Case, run: bool) -> list[Part]:
    """Everything that is to be done, in order."""

    def asked(entry: Any) -> Callable[[], list[Any]]:
        return lambda: [entry.verdict(case)]

    parts: list[Part] = [("data", "facts", lambda: _numbers.facts(case))]
    classes = case.given.classification
    if classes:
        parts.append(("margins", "margins", lambda: _numbers.margins(case)))
    parts += [(entry.title, "verdicts", asked(entry)) for entry in CATALOGUE]
    if classes:
        parts.append(("good neurons", "neurons", lambda: _numbers.neurons(case)))
        parts.append(("sample sizes", "samples", lambda: _numbers.samples(case)))
        parts.append(("clocks", "clocks", lambda: _numbers.clocks(case)))
    else:
        parts.append(("rates", "clocks", lambda: _numbers.rates(case)))
    if run and classes:
        parts.append(("gradient flow, standard", "runs", lambda: _runs.near(case)))
        parts.append(("gradient flow, balanced", "runs", lambda: _runs.balanced(case)))
        parts.append(("coupled flow", "runs", lambda: _runs.frozen(case)))
    elif run:
        parts.append(("regression flow", "runs", lambda: _runs.regression(case)))
    return parts


def _worked(parts: list[Part], progress: bool) -> tuple[dict[str, tuple[Any, ...]], list[str]]:
    """Do the parts; an interrupt leaves the rest undone."""
    rows: dict[str, tuple[Any, ...]] = {}
    done = 0
    try:
        with _shown(len(parts), progress) as show:
            for name, field, make in parts:
                show(name)
                rows[field] = (*rows.get(field, ()), *make())
                done += 1
    except KeyboardInterrupt:
        return rows, [name for name, _, _ in parts[done:]]
    return rows, []


@contextmanager
def _shown(total: int, progress: bool) -> Iterator[Callable[[str], None]]:
    """Show which part is being done, on standard error."""
    if not progress:
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        bar.advance(task, -1)

        def show(name: str) -> None:
            bar.update(task, description=name, advance=1)

        yield show
