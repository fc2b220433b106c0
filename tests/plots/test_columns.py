"""Columns of a path: one panel each, against the clock of the run."""

import numpy as np
import pytest

import lowrot
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")


def run(clock="tau", **columns):
    columns = columns or {"P": [0.0, 1.0, 4.0], "margin": [0.0, 0.1, 0.2]}
    states = {"V": np.zeros((3, 2, 2))}
    arrays = {name: np.array(values) for name, values in columns.items()}
    return lowrot.Path({clock: np.array([0.0, 1.0, 2.0])} | arrays, states)


def test_a_panel_a_column_against_the_clock():
    axes = plots.columns(run(), "P", "margin", levels={"margin": 0.25}, scale="log", log=["P"])
    assert [ax.lines[0].get_ydata().tolist() for ax in axes] == [[0, 1, 4], [0, 0.1, 0.2]]
    assert axes[0].lines[0].get_xdata().tolist() == [0, 1, 2]
    assert [ax.get_xscale() for ax in axes] == ["log", "log"]
    assert [ax.get_yscale() for ax in axes] == ["log", "linear"]
    assert [len(ax.lines) for ax in axes] == [1, 2]
    assert axes[1].lines[1].get_ydata() == [0.25, 0.25]
    assert axes[0].get_xlabel() == r"clock $\tau$"
    assert axes[0].get_title("left") == "soft margin $P$"
    assert axes[0].figure.get_figwidth() <= plots.WIDEST


def test_paths_of_several_runs_share_the_panels():
    paths = {"one": run(loss=[3.0, 2.0, 1.0]), "two": run("t", loss=[6.0, 4.0, 2.0])}
    (ax,) = plots.columns(paths, "loss")
    assert [line.get_label() for line in ax.lines] == ["one", "two"]
    assert len({line.get_color() for line in ax.lines}) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    assert ax.get_title("left") == "loss"


def test_what_a_path_is_drawn_against():
    assert plots.columns(run("t", loss=[3.0, 2.0, 1.0]), "loss")[0].get_xlabel() == "time $t$"
    path = run(samples=[0.0, 10.0, 30.0], mistakes=[0.0, 5.0, 6.0])
    (ax,) = plots.columns(path, "mistakes", against="samples")
    assert ax.lines[0].get_xdata().tolist() == [0, 10, 30]
    assert ax.get_xlabel() == "samples"


def test_three_columns_leave_no_empty_axes_visible():
    axes = plots.columns(run(P=[0, 1, 2], margin=[0, 1, 2], rho=[0, 1, 2]), "P", "margin", "rho")
    assert len(axes) == 3
    assert [ax.get_visible() for ax in axes[0].figure.axes] == [True, True, True, False]


def test_a_real_run():
    path = lowrot.gradient_flow(
        lowrot.balanced(8, 2, seed=1), lowrot.sparse_parity(2), stop={"tau": 1}
    )
    axes = plots.columns(path, *path.columns)
    assert len(axes) == len(path.columns)


def test_refusals():
    with pytest.raises(ValueError, match="path holds 1 paths, names 0 columns"):
        plots.columns(run())
    with pytest.raises(ValueError, match="0 paths"):
        plots.columns({}, "P")
    with pytest.raises(KeyError, match="no column or state 'Q'; this path has tau, P"):
        plots.columns(run(), "Q")
    with pytest.raises(ValueError, match=r"V has shape \(3, 2, 2\); expected a column"):
        plots.columns(run(), "V")
    with pytest.raises(ValueError, match="scale is 'cubic'"):
        plots.columns(run(), "P", scale="cubic")
    with pytest.raises(TypeError, match=r"path\['one'\] is a dict; expected a Path"):
        plots.columns({"one": {}}, "P")
