"""The figure of the notation page: the five facts along one flow."""

from __future__ import annotations

from matplotlib.axes import Axes

from lowrot.losses import entropy_constant
from lowrot.path import Path
from lowrot.plots import ACCENT, INK, NEGATIVE, POSITIVE, figure, grid, legend_under


@figure
def five_facts(path: Path, n: int) -> list[Axes]:
    """Draw what the facts say along a flow of the exponential loss, over the clock tau.

    Args:
        path: a flow, from a start that is not balanced.
        n: the number of points.
    """
    clocks, margins, norms, rising = axes = grid(2, 2, letters=False)  # the facts have numbers
    tau = path["tau"]
    clocks.plot(tau, path["ln_t"], color=POSITIVE)
    clocks.set(title="F1: two clocks", ylabel=r"$\ln t$")
    P = path["P"]
    top = P.clip(min=0) + entropy_constant(n, "exponential")
    margins.fill_between(tau, P, top, color=ACCENT, alpha=0.18, lw=0)
    margins.plot(tau, top, color=ACCENT, ls="--", label="$P_+ + c_n$")
    margins.plot(tau, path["mean"], color=NEGATIVE, ls="-.", label="average of $p_i$")
    margins.plot(tau, path["min_margin"], color=INK, ls=":", label="smallest $p_i$")
    margins.plot(tau, P, color=POSITIVE, label="$P$")
    margins.set(title="F2, F3: margins in a band", ylabel="margin")
    norms.plot(tau, path["norm_V"] ** 2, color=NEGATIVE, ls="--", label=r"$\|V\|_F^2$")
    norms.plot(tau, path["norm_a"] ** 2, color=POSITIVE, label=r"$\|a\|^2$")
    norms.set(title="F4: a constant distance", ylabel="squared norm")
    rising.plot(tau, path["margin"], color=POSITIVE)
    rising.set(title="F5: never down", ylabel=r"$P_+/\|W\|^2$")
    for axis in axes:
        axis.set_xlabel(r"clock $\tau$")
    for axis in (margins, norms):
        legend_under(axis, 2)
    return axes
