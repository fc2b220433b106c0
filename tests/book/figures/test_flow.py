"""Figures of the flow chapter: margins in order, steps counted from the right one."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import flow as figures

pytestmark = pytest.mark.usefixtures("headless")


def test_smoothed_margins_draws_the_first_on_top():
    curves = {"flow": ([0, 1], [0, 0.1]), "steps": ([0, 1], [0, 0.2])}
    ax = figures.smoothed_margins(curves, best=0.125)
    assert ax.lines[0].get_zorder() > ax.lines[1].get_zorder()
    assert list(ax.lines[2].get_ydata()) == [0.125, 0.125]
    with pytest.raises(ValueError, match="curves is empty"):
        figures.smoothed_margins({})


def test_steps_taken_counts_from_the_first_margin_above_one():
    path = lowrot.Path({"tau": np.arange(4.0), "min_margin": np.array([-1.0, 0.5, 2.0, 8.0])})
    ax = figures.steps_taken(path, (2.0, 1.0))
    assert ax.lines[0].get_xydata().tolist() == [[2.0, 2.0], [8.0, 3.0]]
    assert ax.lines[1].get_ydata() == pytest.approx(2.0 + np.log([2.0, 8.0]))
    path.columns["min_margin"][2:] = 0.5
    with pytest.raises(ValueError, match="expected one above 1"):
        figures.steps_taken(path, (2.0, 1.0))


def test_euler_steps_are_those_of_every_size():
    xor, start = lowrot.sparse_parity(2), lowrot.balanced(4, 2, seed=1)
    path = lowrot.gradient_flow(start, xor, stop={"tau": 2}, save=[1.0, 2.0])
    shown = figures.step_explorer(path, start, xor, (0.1, 0.5))
    held = json.loads(re.search(r'application/json">(.*?)</script>', str(shown), re.S)[1])
    assert held["controls"] == [["h = 0.1", "h = 0.5"]]
    _, margins = held["panels"]
    assert [line.split("; ")[1] for line in margins["readout"]] == [
        "20 Euler steps",
        "4 Euler steps",
    ]
    assert [len(frame) for frame in margins["moving"][0]] == [40, 8]
    first, second = figures._euler(start, xor, 0.5, 2.0)[2][:2]
    slope = start.gradient(xor, lowrot.losses.dual_weights(start.margins(xor))[0])
    assert second[0] == pytest.approx(first[0] + 0.5 * slope[0].numpy())


def test_methods_that_never_arrive_are_named():
    runs = pd.DataFrame(
        [("a", 1e-2, 1e-3, 0.1), ("a", 1e-3, 1e-4, 0.2), ("b", 1e-2, np.nan, 0.3)],
        columns=["method", "tolerance", "error of P", "seconds"],
    )
    ax = figures.work_precision(runs)
    assert list(ax.lines[0].get_xdata()) == [0.1, 0.2]
    assert [text.get_text() for text in ax.texts] == ["$10^{-2}$", "$10^{-3}$"]
    names = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert names == ["a"]
    assert ax.get_title("left") == "never there: b"


def test_pairs_of_panels():
    xor = lowrot.sparse_parity(2)
    path = lowrot.gradient_flow(lowrot.balanced(4, 2), xor, stop={"tau": 1})
    axes = figures.sliding_pair({"one": (path, xor), "two": (path, xor)})
    assert [ax.get_title("left") for ax in axes] == ["one", "two"]
    left, right = figures.errors_by_effort(
        {"a": ([1, 2], [1, 8], ("h", "e"), 3.0), "b": ([1, 2], [1, 4], ("r", "e"), None)}
    )
    assert (len(left.lines), len(right.lines)) == (2, 1)


def test_journey_shows_clocks_and_margins_by_formulas():
    path = lowrot.gradient_flow(lowrot.balanced(6, 2), lowrot.sparse_parity(2), stop={"tau": 1})
    shown = figures.journey(path.frame().iloc[[0, -1]]).data
    assert r"\bar\gamma" in shown
    assert "pairs that slide" in shown
    assert f"<td>{path['sliding'][-1]:.0f}</td>" in shown
    assert shown.count("<tr") == 3


def test_cost_has_a_line_for_each_that_arrives_and_words_for_the_others():
    rows = [("lowrot", 10.0, 0.02), ("lowrot", 100.0, 0.03), ("GD", 10.0, 0.01)]
    rows += [("GD", 100.0, np.nan), ("LSODA", 10.0, np.nan), ("LSODA", 100.0, np.nan)]
    ax = figures.cost_against_margin(pd.DataFrame(rows, columns=["peer", "target", "seconds"]))
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert lines["lowrot"] == [[10.0, 0.02], [100.0, 0.03]]
    assert lines["GD"] == [[10.0, 0.01]]
    assert lines["never there: LSODA"] == []
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
