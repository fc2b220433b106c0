"""Compile every source and every cell of a chapter with this Python, warnings as errors.

Nothing is run, and nothing but the standard library is needed: so a Python for which no PyTorch
is at hand is still told apart from one that cannot read the sources.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("lowrot", "book", "tests", "benchmarks", ".ci")
CELL = re.compile(r"^(`{3,})\{code-cell\}[^\n]*\n(---\n.*?\n---\n)?(.*?)^\1$", re.M | re.S)


def sources(root: Path) -> Iterator[tuple[str, str]]:
    """Every text to compile, with its name."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            yield str(path.relative_to(root)), path.read_text("utf8")
    for path in sorted((root / "book").rglob("*.md")):
        text = path.read_text("utf8")
        for cell in CELL.finditer(text):
            above = "\n" * text.count("\n", 0, cell.start(3))  # so that a line is the page's own
            options = re.sub(r"^:[\w-]+:.*$", "", cell[3], flags=re.M)
            yield str(path.relative_to(root)), above + options


def main() -> int:
    """Compile all, and name each text that cannot be."""
    warnings.simplefilter("error")
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    count, failed = 0, 0
    for name, text in sources(root):
        count += 1
        try:
            compile(text, name, "exec", dont_inherit=True)
        except (SyntaxError, Warning) as error:
            failed += 1
            print(f"{name}, line {getattr(error, 'lineno', '?')}: {error}", file=sys.stderr)
    print(f"Python {sys.version.split()[0]}: {count} sources and cells compiled, {failed} failed")
    return int(failed > 0 or count == 0)


if __name__ == "__main__":
    sys.exit(main())
