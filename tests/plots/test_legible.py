"""Every fault of a figure is found, and a figure without faults has none."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lowrot import plots
from lowrot.plots import _notebook
from lowrot.plots._layout import MIME
from lowrot.plots._legible import faults
from lowrot.plots._style import ACCENT, DASHES, INK, NEGATIVE, POSITIVE

pytestmark = pytest.mark.usefixtures("headless")
X = np.linspace(0, 1, 5)


def panel():
    (ax,) = plots.grid(1)
    ax.set(xlabel="x", ylabel="y")
    return ax


def good():
    ax = panel()
    for style, colour in zip(DASHES, plots.COLOURS):
        ax.plot(X, X, color=colour, ls=style, label=f"{style}")
    ax.plot(X, X, "o", color=ACCENT, label="dots")
    ax.plot(X, X, "o", color=INK, mfc="none", label="circles")
    ax.plot(X, X, color=ACCENT, lw=4, label="thick")
    ax.errorbar(X, X, 0.1 * X, fmt="s--", color=NEGATIVE, label="bars")
    ax.axhline(0.5, color=INK, lw=0.5, label="_frame")
    plots.legend_under(ax, 2)
    return ax


def alike(ax):
    ax.plot(X, X, color=POSITIVE, label="one")
    ax.plot(X, -X, color=NEGATIVE, label="two")


def alike_bars(ax):
    ax.errorbar(X, X, 0.1, fmt="o", color=POSITIVE, label="one")
    ax.errorbar(X, -X, 0.1, fmt="o", color=NEGATIVE, label="two")


def thin(ax):
    ax.axhline(0.5, color=INK, lw=0.7, ls=":", label="level")


def covered(ax):
    ax.plot(X, X, label="curve")
    ax.legend(loc="upper right")


def covered_level(ax):
    ax.axhline(0.5, label="level")
    ax.set_ylim(0, 0.56)
    ax.legend(loc="upper left")


def repeated(ax):
    ax.plot(X, X, color=POSITIVE, label="bound")
    ax.plot(X, X, color=NEGATIVE, ls="--", label="bound")
    ax.figure.legend(loc="outside lower center")


def crowded(ax):
    ax.text(0.5, 0.5, "words")
    ax.text(0.52, 0.5, "others")


def crowded_ticks(ax):
    ax.set_xticks([0, 0.01, 1], ["zero", "near zero", "one"])


def no_words(ax):
    ax.set(xlabel="", ylabel="")


def test_a_good_figure_has_no_faults():
    assert faults(good().figure) == []


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (alike, ["panel 1: 'one' and 'two' differ in colour alone"]),
        (alike_bars, ["panel 1: 'one' and 'two' differ in colour alone"]),
        (thin, ["panel 1: the dots of 'level' are thin"]),
        (covered, ["panel 1: the legend lies on 'curve'"]),
        (covered_level, ["panel 1: the legend lies on 'level'"]),
        (repeated, ["the legend has 'bound' 2 times"]),
        (crowded, ["'words' lies on 'others'"]),
        (crowded_ticks, ["'zero' lies on 'near zero'"]),
        (
            no_words,
            [
                "panel 1: no words at its horizontal axis",
                "panel 1: no words at its vertical axis",
            ],
        ),
    ],
)
def test_each_fault_is_found(plant, found):
    ax = panel()
    plant(ax)
    assert faults(ax.figure) == found


def test_words_of_a_row_and_of_a_column_serve_all_of_it():
    upper, beside, lower, last = plots.grid(2, 2)
    for ax in (lower, last):
        ax.set_xlabel("x")
    for ax in (upper, lower):
        ax.set_ylabel("y")
    assert faults(upper.figure) == []
    lower.set(xlabel="", ylabel="")
    assert len(faults(upper.figure)) == 2 + 2
    beside.set_axis_off()
    assert len(faults(upper.figure)) == 2 + 2


def test_a_notebook_keeps_the_faults_of_both_layouts():
    @plots.figure
    def drawn():
        ax = panel()
        (thin if plots.narrow() else alike)(ax)
        return ax

    record = _notebook.bundle(drawn().figure)[MIME]
    assert record["faults"] == ["panel 1: 'one' and 'two' differ in colour alone"]
    assert record["narrow_faults"] == ["panel 1: the dots of 'level' are thin"]
    plt.close("all")
