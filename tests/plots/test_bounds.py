"""Bounds of a check: what is measured, and every column that bounds it."""

import numpy as np
import pandas as pd
import pytest

import lowrot
from lowrot import plots
from lowrot.theorems import Check

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)


def check(**columns):
    frame = pd.DataFrame({name: np.array(values) for name, values in columns.items()})
    return Check(frame, {}, True)


def drawn(axes):
    """By title, the columns of each panel as lists."""
    return {ax.get_title("left"): [line.get_ydata().tolist() for line in ax.lines] for ax in axes}


def test_columns_are_drawn_with_their_bounds():
    found = check(
        tau=[0.0, 1.0], rho=[0, 2], rho_bound=[3, 4], other=[9, 9], J=[1, 1], J_limit=[5, 5]
    )
    axes = plots.bounds(found)
    assert drawn(axes) == {"rho": [[0, 2], [3, 4]], "J": [[1, 1], [5, 5]]}
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["measured", "bound"]
    assert axes[1].get_legend() is None
    assert axes[0].get_xlabel() == r"clock $\tau$"
    assert axes[0].figure.get_figwidth() <= plots.WIDEST


def test_the_margin_is_drawn_with_bound_and_limit():
    found = check(
        tau=[0.0, 1.0], margin=[0, 2], bound=[0, 1], limit=[3, 3], width=[0, 1], width_bound=[1, 2]
    )
    axes = plots.bounds(found)
    assert drawn(axes)["margin"] == [[0, 2], [0, 1], [3, 3]]
    shown = [[text.get_text() for text in ax.get_legend().get_texts()] for ax in axes]
    assert shown == [["margin", "bound", "limit"], ["width", "width_bound"]]
    assert len({line.get_linestyle() for line in axes[0].lines}) == 3


def test_bare_bounds_belong_to_the_soft_margin_where_it_has_a_floor():
    found = check(
        tau=[0.0, 1.0], P=[4, 5], floor=[1, 2], bound=[0, 1], margin=[7, 8], margin_floor=[6, 6]
    )
    axes = plots.bounds(found)
    assert drawn(axes) == {"P": [[4, 5], [1, 2], [0, 1]], "margin": [[7, 8], [6, 6]]}


def test_panels_by_name():
    found = check(samples=[0.0, 1.0, 2.0], gain=[5, 1, 2], gain_bound=[3, 4, 5], low=[0, 0, 0])
    axes = plots.bounds(found, panels={"(1)": "gain", "(2)": ["gain", "low"]}, scale="log")
    assert drawn(axes) == {"(1)": [[5, 1, 2], [3, 4, 5]], "(2)": [[5, 1, 2], [0, 0, 0]]}
    assert axes[0].get_xlabel() == "samples"
    assert axes[0].get_xlim() == (1, 2)
    (ax,) = plots.bounds(found, panels={"(1)": "gain"}, against="low")
    assert ax.lines[0].get_xdata().tolist() == [0, 0, 0]


def test_a_bound_that_begins_far_away_is_cut_off():
    margin, bound = [0.0, 1.0, 2.0], [-1000.0, 0.0, 1.5]
    (ax,) = plots.bounds(check(tau=[0.0, 1.0, 2.0], margin=margin, bound=bound, limit=[3, 3, 3]))
    assert ax.get_ylim() == pytest.approx((-0.36, 3.36))
    (ax,) = plots.bounds(check(tau=[0.0, 1.0, 2.0], margin=margin, bound=[np.nan, -1000.0, 2.0]))
    assert ax.get_ylim() == pytest.approx((-0.24, 2.24))
    (ax,) = plots.bounds(check(tau=[0.0, 1.0, 2.0], margin=margin, bound=[-4, 0, 1.5]))
    assert ax.get_ylim()[0] < -4


def test_gaps_and_infinities_are_left_out():
    nan, inf = [np.nan, np.nan], [-np.inf, 1.0]
    axes = plots.bounds(
        check(tau=[0.0, 1.0], a=nan, a_bound=nan, b=inf, b_bound=[1, 2], c=[1, 1], c_bound=[1, 1])
    )
    assert len(axes) == 3
    assert all(np.isfinite(ax.get_ylim()).all() for ax in axes)


def test_checks_of_theorems_are_drawn_as_they_are():
    net = lowrot.balanced(12, 2, seed=1)
    flow = lowrot.gradient_flow(net, XOR, stop={"tau": 1})
    features = lowrot.Features.from_network(net)
    coupled = lowrot.coupled_flow(features, XOR, stop={"tau": 5})
    collapse = lowrot.neural_collapse(net, XOR, opposite=True)
    still = lowrot.no_rotation(features, XOR)
    wide = lowrot.near_init_flow(net, XOR)
    stream = lowrot.parity_stream(2)
    stated = lowrot.near_init_sgd(net, XOR, samples=5)
    trained = lowrot.one_pass_sgd(net, stream, samples=5, eta=stated.eta).paths[0]
    panels = {
        "collapse": plots.bounds(collapse.check(flow)),
        "no rotation": plots.bounds(still.check(coupled)),
        "flow": plots.bounds(wide.check(flow)),
        "SGD": plots.bounds(stated.check(trained)),
        "flow, proof": plots.bounds(wide.inequalities(flow)),
    }
    titles = {name: [ax.get_title("left") for ax in axes] for name, axes in panels.items()}
    assert titles == {
        "collapse": ["margin", "J"],
        "no rotation": ["margin", "width", "J"],
        "flow": ["P", "ratio", "margin"],
        "SGD": ["rho", "sum_lam", "mistakes"],
        "flow, proof": ["along", "speed", "moved", "outward"],
    }
    assert [len(ax.lines) for ax in panels["no rotation"]] == [5, 2, 2]


def test_refusals():
    found = check(tau=[0.0, 1.0], rho=[0, 2])
    with pytest.raises(ValueError, match="no column has bounds among tau, rho; expected panels"):
        plots.bounds(found)
    with pytest.raises(ValueError, match=r"panels\['one'\] is 'P'; expected one of 'tau', 'rho'"):
        plots.bounds(found, panels={"one": "P"})
    with pytest.raises(ValueError, match="against is 'samples'"):
        plots.bounds(found, panels={"one": "rho"}, against="samples")
    with pytest.raises(ValueError, match="scale is 'cubic'"):
        plots.bounds(found, panels={"one": "rho"}, scale="cubic")
    with pytest.raises(TypeError, match="check is a DataFrame; expected a Check"):
        plots.bounds(found.frame)
