"""An optimum between its two bounds: what attains it, and what proves that none is larger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.optima import Optimum
from lowrot.plots._layout import figure, grid
from lowrot.plots._plane import outputs
from lowrot.plots._regions import decision_regions, dual_curve, optimal_directions
from lowrot.plots._style import ACCENT, DAY, INK, NEGATIVE, POSITIVE

_SAME = 1e-6
"""Relative difference between the value of an optimum and the margin of its predictor."""


@figure
def certificate(
    optimum: Optimum[Any],
    data: Dataset,
    *,
    predict: Callable[[Tensor], Tensor] | None = None,
) -> list[Axes]:
    """Draw an optimum: its value, its upper bound, its gap, and the points that decide.

    In any dimension: each point's dual weight against its margin, with lines at the value and at
    the upper bound; only points on the smallest margin carry weight. In the plane also the regions
    of the predictor, and for a network its directions and the curve that certifies it.

    Args:
        optimum: of these data.
        data: n points.
        predict: ``X -> f(X)`` of the primal point. By default that of a network, or of the normal
            of a line; `tangent_predictor` makes one of the primal point of `ntk_margin`.

    Returns:
        One, two or four axes.

    Raises:
        ValueError: a predictor whose margin on these data is not the value, or whose outputs are
            not finite and of shape (n,); an optimum of other data.
        TypeError: not an optimum, a primal point that is no predictor of its own, or a predictor
            that cannot be called.
    """
    _validate.kind("optimum", optimum, Optimum)
    _validate.kind("data", data, Dataset)
    if optimum.dual.shape != (data.n,):
        raise ValueError(f"optimum is one of {len(optimum.dual)} points, data have {data.n}")
    predict = _predictor(optimum.primal, data) if predict is None else predict
    margins = data.y * outputs(predict, data, data.X)
    if abs(float(margins.min()) - optimum.value) > _SAME * abs(optimum.value):
        raise ValueError(
            f"predict has the margin {float(margins.min()):.6g} on data; expected "
            f"{optimum.value:.6g}, the value of optimum"
        )
    net = optimum.primal if isinstance(optimum.primal, Network) else None
    if data.d != 2:
        return [_slackness(grid(1, width=5.0)[0], optimum, data, margins)]
    axes = grid(2, 1 if net is None else 2, height=3.2, stacked_height=3.0)
    _slackness(axes[0], optimum, data, margins)
    decision_regions(predict, data, level=optimum.value, q=optimum.dual, ax=axes[1])
    if net is not None:
        optimal_directions(net, data, q=optimum.dual, ax=axes[2])
        upper, slope = optimum.upper, net.slope
        dual_curve(optimum.dual, data, value=upper, net=net, slope=slope, ax=axes[3])
        axes[3].set_title("dual function")
    return axes


def _predictor(primal: Any, data: Dataset) -> Callable[[Tensor], Tensor]:
    if isinstance(primal, Network):
        return primal
    if isinstance(primal, Tensor) and primal.shape == (data.d,):
        return lambda X: X @ primal
    raise TypeError(
        f"optimum has a primal point of type {type(primal).__name__}, which is no predictor of its "
        "own; expected predict, X -> f(X) (for ntk_margin: plots.tangent_predictor(net, primal))"
    )


def _slackness(ax: Axes, optimum: Optimum[Any], data: Dataset, margins: Tensor) -> Axes:
    """Draw dual weights against margins."""
    p, q = margins.cpu().numpy(), optimum.dual.cpu().numpy()
    for sign, colour, marker in ((1, POSITIVE, "o"), (-1, NEGATIVE, "s")):
        mine = (data.y == sign).cpu().numpy()
        ax.plot(p[mine], q[mine], marker, color=colour, ms=5, mec=DAY, mew=0.7, label=None)
    ax.axvline(optimum.value, color=INK, lw=1.0, label=f"value {optimum.value:.6g}")
    ax.axvline(
        optimum.upper, color=ACCENT, lw=1.2, ls=(0, (4, 2)), label=f"upper {optimum.upper:.6g}"
    )
    ax.set_xlim(0.0, 1.1 * max(float(np.max(p)), optimum.upper))
    ax.set_ylim(-0.04 * float(q.max()), 1.1 * float(q.max()))
    ax.set(xlabel="margin", ylabel="dual weight", title=f"gap {optimum.gap:.1e}")
    ax.legend()
    return ax
