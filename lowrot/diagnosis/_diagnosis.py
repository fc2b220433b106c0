"""Everything that was found about a data set, as an object, a table and a page."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lowrot import _validate
from lowrot._files import whole
from lowrot.diagnosis._findings import Findings

if TYPE_CHECKING:
    from rich.console import Group


@dataclass(frozen=True, eq=False)
class Diagnosis(Findings):
    """What every theorem of the book says of given data; made by `diagnose`.

    Attributes:
        name: of the data.
        task: "classification" or "regression".
        n: number of points.
        d: input dimension.
        m: width.
        slope: of the activation.
        seed: of the sampled starts.
        network: whether a network was given; otherwise starts are those of this book.
        notes: what was done to the data, a sentence each.
        verdicts: one for every theorem of the book, in its order.
        facts: sizes, repetitions, groups, mirrors and the even part of the start.
        margins: each between its bounds, with what certifies them.
        neurons: shares of good neurons, with intervals.
        samples: sample sizes that bounds ask for.
        clocks: times by which something is promised, or rates of regression.
        runs: what the flows did, if they were run.
        unfinished: parts that an interrupt left out; empty otherwise.
    """

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one page with tables and figures that needs nothing else to be read.

        Args:
            path: the file, replaced if it is there.

        Raises:
            OSError: a folder that does not exist or cannot be written to.
            TypeError: no name of a file.
        """
        from lowrot.diagnosis._page import page

        file = _validate.file("path", path)
        text = page(self)
        with whole(file) as partial:
            partial.write_text(text, "utf8")

    def _repr_html_(self) -> str:
        from lowrot.diagnosis._page import fragment

        return fragment(self)

    def __rich__(self) -> Group:
        from lowrot.diagnosis._terminal import group

        return group(self)

    def __str__(self) -> str:
        from rich.console import Console

        out = Console(file=io.StringIO(), width=110, color_system=None, force_terminal=False)
        out.print(self.__rich__())
        assert isinstance(out.file, io.StringIO)
        return out.file.getvalue()
