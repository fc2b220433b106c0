"""Gaussian inputs and labels for regression: norms, what labels see, and streams."""

import math

import numpy as np
import pytest
import torch

from lowrot import Network, gaussian_regression, standard
from lowrot.data import RegressionData

NET = standard(30, 5, seed=0)
SEEING = ("fast", "slow", "anti", "worst")


@pytest.mark.parametrize("labels", ["signs", "teacher", "fast", "slow", "anti"])
def test_labels_have_norm_sqrt_n(labels):
    data = gaussian_regression(12, 5, labels, seed=3, net=NET)
    assert float(data.y.norm()) == pytest.approx(math.sqrt(12), rel=1e-12)
    assert (data.n, data.d) == (12, 5)
    assert labels in data.name
    again = gaussian_regression(12, 5, labels, seed=3, net=NET)
    torch.testing.assert_close(again.y, data.y, rtol=0, atol=0)
    # Inputs do not depend on the labels, but on the seed.
    torch.testing.assert_close(data.X, gaussian_regression(12, 5, seed=3).X, rtol=0, atol=0)
    assert not torch.equal(data.X, gaussian_regression(12, 5, seed=4).X)


def test_signs_are_signs():
    assert set(gaussian_regression(40, 2).y.tolist()) == {-1.0, 1.0}


def test_labels_against_a_start():
    rates = (1.0, 4.0)
    made = {k: gaussian_regression(12, 5, k, seed=1, net=NET, rates=rates) for k in SEEING}
    X = made["slow"].X
    values, modes = np.linalg.eigh(NET.kernel(X, rates=rates).numpy())
    assert values[0] < 0.1 * values[-1]
    for labels, mode in (("slow", 0), ("fast", -1)):
        along = made[labels].y.numpy() @ modes[:, mode]
        assert abs(along) == pytest.approx(math.sqrt(12), rel=1e-9)
    f = NET(X)
    assert float(made["anti"].y @ f) == pytest.approx(-math.sqrt(12) * float(f.norm()))
    r = (f - made["worst"].y).numpy()
    assert np.linalg.norm(r) == pytest.approx(math.sqrt(12), rel=1e-9)
    assert abs(r @ modes[:, 0]) == pytest.approx(math.sqrt(12), rel=1e-9)


def test_inputs_are_gaussian_and_not_the_weights_of_the_same_seed():
    X = gaussian_regression(2000, 4, seed=0).X
    error = 1 / math.sqrt(8000)
    assert abs(float(X.mean())) < 4 * error
    assert float(X.square().mean()) == pytest.approx(1.0, abs=4 * math.sqrt(2) * error)
    V = standard(2000, 4, seed=0).V
    assert abs(float((X * V).mean())) < 4 * error


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="labels is 'blue'; expected one of 'signs'"):
        gaussian_regression(5, 2, "blue")
    for labels in SEEING:
        with pytest.raises(ValueError, match="net is None; expected the network"):
            gaussian_regression(5, 2, labels)
    with pytest.raises(TypeError, match="net is a str; expected a Network"):
        gaussian_regression(5, 2, "slow", net="net")
    with pytest.raises(ValueError, match="n is 0"):
        gaussian_regression(0, 2)
    with pytest.raises(TypeError, match=r"d is 1\.5"):
        gaussian_regression(3, 1.5)
    silent = Network([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="outputs that are all 0"):
        gaussian_regression(5, 2, "anti", net=silent)
    with pytest.raises(ValueError, match="y has shape"):
        RegressionData(torch.ones(3, 2).double(), torch.ones(2).double())
