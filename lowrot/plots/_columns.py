"""The scalars of a path against its clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from lowrot import _validate
from lowrot.path import Path
from lowrot.plots._layout import WIDEST, figure, grid
from lowrot.plots._style import COLOURS, INK

CLOCKS = {"tau": r"clock $\tau$", "t": "time $t$", "samples": "samples"}
"""Labels of what paths and checks are drawn against, the first that is there by default."""

_LABELS = {
    "P": "soft margin $P$",
    "margin": r"smoothed margin $P_+/\|W\|^2$",
    "normalized": r"normalized margin $\min_i p_i/\|W\|^2$",
    "min_margin": r"smallest margin $\min_i p_i$",
    "ln_t": r"time $\ln t$",
    "ln_loss": r"loss $\ln L$",
    "rho": r"distance $\|W - W_0\|$",
    "norm_squared": r"$\|W\|^2$",
    "norm_a": r"$\|a\|$",
    "norm_V": r"$\|V\|_F$",
    "sliding": "pairs that slide",
    "test_error": "test error",
}

_PANELS = 2
"""So many in a row."""


@figure
def columns(
    path: Path | Mapping[str, Path],
    *names: str,
    levels: Mapping[str, float] | None = None,
    against: str | None = None,
    scale: str = "linear",
    log: Sequence[str] = (),
) -> list[Axes]:
    """Draw columns of a path against its clock, a panel a column.

    Args:
        path: a path, or several by name, drawn in every panel.
        names: of columns.
        levels: by name of a column, a value to mark in its panel, such as an optimum.
        against: the column on the horizontal axis; by default the clock, ``tau`` or ``t``.
        scale: of the horizontal axis, "linear" or "log".
        log: names of the columns with a logarithmic axis.

    Returns:
        The axes, in the order of the names.

    Raises:
        ValueError: nothing to draw, a state in place of a column, an unknown scale, levels or log
            of a column that is not drawn, or a path without a clock.
        TypeError: arguments of another type.
        KeyError: a column that a path does not have.

    Example:
        ``plots.columns(path, "P", "margin", levels={"margin": best.value / 2}, log=["P"])``
    """
    paths = _paths(path, names)
    _validate.choice("scale", scale, ("linear", "log"))
    marked = {} if levels is None else _validate.kind("levels", levels, Mapping)
    for column in marked:
        _validate.choice("a key of levels", column, names)
    heights = {key: _validate.number(f"levels[{key!r}]", at) for key, at in marked.items()}
    for column in (logarithmic := _validate.listed("log", log)):
        _validate.choice("an entry of log", column, names)
    clocks = {name: _clock(each, against) for name, each in paths.items()}
    across = min(_PANELS, len(names))
    rows = -(-len(names) // across)
    axes = grid(across, rows, width=WIDEST if across > 1 else 5.0, height=2.9)
    for unused in axes[len(names) :]:
        unused.set_visible(False)
    for ax, column in zip(axes, names):
        for index, (name, each) in enumerate(paths.items()):
            x = clocks[name]
            ax.plot(each[x], each[column], color=COLOURS[index % len(COLOURS)], label=name)
        if column in heights:
            ax.axhline(heights[column], color=INK, lw=0.8, ls=(0, (4, 2)))
        ax.set(xscale=scale, yscale="log" if column in logarithmic else "linear")
        ax.set(xlabel=CLOCKS.get(x, x), title=_LABELS.get(column, column))
    if len(paths) > 1:
        axes[0].legend()
    return axes[: len(names)]


def _paths(path: Any, names: Sequence[str]) -> dict[str, Path]:
    """Return the paths by name, each with the columns asked for."""
    paths = dict(path) if isinstance(path, Mapping) else {"": path}
    if not paths or not names:
        raise ValueError(
            f"path holds {len(paths)} paths, names {len(names)} columns; expected at least one each"
        )
    for name, each in paths.items():
        _validate.kind(f"path[{name!r}]" if name else "path", each, Path)
        for column in names:
            shape = each[_validate.kind("names", column, str)].shape
            if shape[1:]:
                raise ValueError(
                    f"names: {column} has shape {shape}; expected a column, shape (k,)"
                )
    return paths


def _clock(path: Path, against: str | None) -> str:
    """Return the name of the column to draw a path against."""
    known = [clock for clock in CLOCKS if clock in path.columns]
    if against is None and not known:
        raise ValueError(f"path has none of the clocks {', '.join(CLOCKS)}; expected against")
    return known[0] if against is None else _validate.choice("against", against, list(path.columns))
