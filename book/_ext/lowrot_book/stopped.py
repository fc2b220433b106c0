"""Why and where a chapter stopped; for nbmake's workers a plugin that keeps what is needed for it.

nbmake writes no notebook when a kernel dies: the plugin writes it, with the outputs so far.
"""

from __future__ import annotations

import re
from pathlib import Path

import pluggy

hookimpl = pluggy.HookimplMarker("pytest")

WORKER = r"(?:\[gw\d+\] .*\n)?"  # the line that pytest-xdist puts before a report
LATE = re.compile(WORKER + r"A cell timed out while it was being executed, after (\S+) seconds")
DEAD = re.compile(WORKER + r"NBMAKE INTERNAL ERROR\nKernel died")
MARK = "stopped"


@hookimpl
def pytest_exception_interact(node, call) -> None:
    """Write the notebook that nbmake held when something went wrong that it does not expect."""
    import nbformat

    known: dict[str, object] = {}
    for entry in call.excinfo.traceback:
        known |= entry.locals
    if isinstance(known.get("nb"), nbformat.NotebookNode):
        if "cell_index" in known:
            known["nb"].cells[known["cell_index"]].metadata["execution"] = {MARK: True}
        nbformat.write(known["nb"], str(node.path))


def prepare(notebook) -> None:
    """Give every cell the field that nbmake looks for, which empty cells never get."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.setdefault("execution", {})


def plain(text: str) -> str:
    """A text without the codes of a coloured terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def running(cells: list) -> int | None:
    """Which cell had been begun and not been answered."""
    for count, cell in enumerate(cells):
        times = cell.metadata.get("execution", {})
        if times and "shell.execute_reply" not in times:
            return count
    return None


def cause(cells: list, text: str) -> tuple[int | None, str, list[str]]:
    """The cell that stopped, what happened, and the end of its traceback.

    A cell that ran out of time may show a KeyboardInterrupt as well: its kernel is stopped so.
    """
    late = LATE.match(text)
    if late:
        return running(cells), f"did not finish within its limit of {late[1]} s", []
    if DEAD.match(text):
        what = "its kernel died: ended by the cell itself or from outside, as for lack of memory"
        return running(cells), what, []
    for count, cell in enumerate(cells):
        for error in (o for o in cell.outputs if o.output_type == "error"):
            trace = plain("\n".join(error.traceback)).splitlines()[-12:]
            return count, plain(f"{error.ename}: {error.evalue}"), trace
    lines = text.strip().splitlines()
    return running(cells), "stopped for a reason that nbmake does not know", lines[:2] + lines[-12:]


def explain(source: Path, shown: str, executed: Path, text: str) -> str:
    """Say which cell of a chapter stopped, on which line of its text, and how.

    Args:
        source: the text of the chapter.
        shown: its name for a reader.
        executed: its notebook, as nbmake left it.
        text: what nbmake says.
    """
    import nbformat
    from myst_nb.core.read import read_myst_markdown_notebook

    cells = [c for c in nbformat.read(executed, as_version=4).cells if c.cell_type == "code"]
    count, what, trace = cause(cells, plain(text))
    after = [f"      {line}" for line in trace]
    if count is None:
        return "\n".join([f"    {shown}: {what}", *after])
    read = read_myst_markdown_notebook(source.read_text("utf8"), add_source_map=True)
    starts = [
        line
        for line, cell in zip(read.metadata.source_map, read.cells, strict=True)
        if cell.cell_type == "code"
    ]
    where = f"{shown}, code cell {count + 1}, line {starts[count] + 1}"
    body = [f"    | {line}" for line in cells[count].source.splitlines()]
    return "\n".join([f"    {where}: {what}", *body, *after])
