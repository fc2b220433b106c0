"""Sliding neurons: thick only where a neuron is on a kink."""

import numpy as np
import pytest
import torch

import lowrot
from lowrot import plots

pytestmark = pytest.mark.usefixtures("headless")


def test_sliding_neurons_marks_only_what_is_on_a_kink():
    V = np.array([[[1.0, 0.2], [0.3, 1.0]], [[1.0, 0.0], [0.3, 1.0]]])
    data = lowrot.Dataset(torch.tensor([[0.0, 1.0]]).double(), torch.ones(1).double())
    path = lowrot.Path({"tau": np.arange(2.0)}, {"a": np.ones((2, 2)), "V": V})
    lines = plots.sliding_neurons(path, data).lines
    slides = [line.get_ydata() for line in lines if line.get_linewidth() == 4.5]
    assert [np.isfinite(y).tolist() for y in slides] == [[False, True], [False, False]]
    with pytest.raises(ValueError, match="d = 2 only"):
        plots.sliding_neurons(path, lowrot.sparse_parity(3))


def test_paths_of_another_dimension_are_refused():
    path = lowrot.Path({"tau": np.arange(2.0)}, {"a": np.ones((2, 1)), "V": np.ones((2, 1, 3))})
    with pytest.raises(ValueError, match="inner weights of d = 3; expected 2"):
        plots.sliding_neurons(path, lowrot.sparse_parity(2))
    with pytest.raises(TypeError, match="path is a ndarray; expected a Path"):
        plots.sliding_neurons(path["V"], lowrot.sparse_parity(2))
