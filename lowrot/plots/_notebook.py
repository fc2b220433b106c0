"""What a notebook shows of a figure: light, for a phone, on paper, and its numbers."""

from __future__ import annotations

import base64
import io
from typing import Any

import seaborn as sns
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib_inline.backend_inline import set_matplotlib_formats

from lowrot.plots._layout import MIME, origin, redrawn
from lowrot.plots._legible import faults
from lowrot.plots._style import SETTINGS
from lowrot.plots._table import table


def use_style() -> None:
    """Set the style of the book for every figure that follows (SVG in notebooks).

    Beside the image a figure then carries a record: the figure for a phone, the
    numbers that it shows and where it was drawn. The book makes its links from it.
    """
    sns.set_theme(context="paper", style="ticks", rc=SETTINGS)
    set_matplotlib_formats("svg", metadata={"Date": None})
    formatter = InteractiveShell.instance().display_formatter.mimebundle_formatter
    formatter.for_type(Figure, bundle)


def bundle(shown: Figure, **_: Any) -> dict[str, Any]:
    """Return everything that a notebook keeps of a figure, by MIME type."""
    record: dict[str, Any] = {"data": table(shown), "letters": letters(shown)}
    record["faults"] = faults(shown)
    made = origin(shown)
    if made is not None:
        record["source"] = made.source()
        with redrawn(made) as narrow:
            record |= {"narrow": _svg(narrow), "narrow_letters": letters(narrow)}
            record["narrow_faults"] = faults(narrow)
    return {
        "image/svg+xml": _svg(shown),
        "application/pdf": base64.b64encode(_saved(shown, "pdf")).decode("ascii"),
        MIME: record,
    }


def letters(shown: Figure) -> float:
    """Return the size of the smallest text of a figure, in points."""
    texts = [t for t in shown.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return min((float(text.get_fontsize()) for text in texts), default=0.0)


def _svg(shown: Figure) -> str:
    return _saved(shown, "svg").decode("utf8")


def _saved(shown: Figure, kind: str) -> bytes:
    out = io.BytesIO()
    dates = {"Date": None} if kind == "svg" else {"CreationDate": None}
    shown.savefig(out, format=kind, metadata=dates, pad_inches=0.04)
    return out.getvalue()
