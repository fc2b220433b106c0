"""What the cone programs share."""

import numpy as np

from lowrot.optima import _conic


def test_projection_makes_a_point_of_the_simplex():
    assert _conic.project(np.array([2.0, -1e-9, np.nan, 2.0])).tolist() == [0.5, 0, 0, 0.5]
    assert _conic.project(np.zeros(4)).tolist() == [0.25] * 4
