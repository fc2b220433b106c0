"""Certificates: value, upper bound and gap; only points on the smallest margin carry weight."""

import dataclasses

import numpy as np
import pytest
import torch

import lowrot
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")

XOR = lowrot.sparse_parity(2)
CUBE = lowrot.sparse_parity(3)
PAIR = lowrot.two_points(1.3)


def test_a_network_of_the_plane_has_four_views():
    best = lowrot.global_margin(XOR)
    slackness, regions, directions, curve = plots.certificate(best, XOR)
    value, upper = slackness.lines[-2:]
    assert value.get_xdata() == [best.value, best.value]
    assert upper.get_xdata() == [best.upper, best.upper]
    assert slackness.get_title("left") == f"gap {best.gap:.1e}"
    assert len(regions.collections) >= 4
    assert [text.get_text() for text in directions.texts] == ["(c)", *["0.25"] * 4]
    assert abs(curve.lines[0].get_ydata()).max() == pytest.approx(best.upper)
    assert slackness.figure.get_figwidth() <= plots.WIDEST


def test_weights_are_drawn_against_margins():
    X = torch.tensor([[0.5, 0.0], [1.0, 0.0], [-0.5, 0.0]]).double()
    data = lowrot.Dataset(X, torch.tensor([1.0, 1.0, -1.0]).double())
    best = lowrot.svm_margin(data)
    slackness, _ = plots.certificate(best, data)
    positive, negative = slackness.lines[:2]
    assert positive.get_xdata() == pytest.approx([0.5, 1.0])
    assert negative.get_xdata() == pytest.approx([0.5])
    weights = np.concatenate([positive.get_ydata(), negative.get_ydata()])
    assert weights == pytest.approx(best.dual.numpy())
    assert weights[1] == pytest.approx(0.0, abs=1e-9)


def test_other_dimensions_have_one_view():
    assert len(plots.certificate(lowrot.global_margin(CUBE), CUBE)) == 1


def test_a_tangent_needs_its_predictor():
    net = lowrot.standard(40, 2, seed=0)
    best = lowrot.ntk_margin(net, PAIR, layers="both")
    assert (
        len(plots.certificate(best, PAIR, predict=plots.tangent_predictor(net, best.primal))) == 2
    )
    with pytest.raises(TypeError, match=r"primal point of type tuple.*tangent_predictor"):
        plots.certificate(best, PAIR)


def test_a_predictor_that_is_not_the_primal_point_is_refused():
    best = lowrot.global_margin(XOR)
    with pytest.raises(ValueError, match=r"predict has the margin -?0 on data; expected 0\.25"):
        plots.certificate(best, XOR, predict=lambda X: X.new_zeros(len(X)))
    wrong = dataclasses.replace(best, value=best.value * (1 + 1e-4))
    with pytest.raises(ValueError, match="the value of optimum"):
        plots.certificate(wrong, XOR)
    with pytest.raises(TypeError, match="optimum is a float; expected a Optimum"):
        plots.certificate(0.25, XOR)
