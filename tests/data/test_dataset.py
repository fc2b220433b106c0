"""Data sets: what the constructor converts, keeps and refuses."""

import math

import numpy as np
import pytest
import torch

from lowrot.data import Dataset

UNIT = [[0.6, 0.8], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0, 0.0], [1.0, 0.0]], [1, 1], r"X\[0\] is zero"),
        ([[1.0, 0.0], [1.0, 0.1]], [1, 1], r"X\[1\] has norm 1.00499"),
        (UNIT, [1, 2], r"y\[1\] is 2"),
        (UNIT, [1], "expected 2 along axis 0"),
        ([[math.nan, 0.0]], [1], r"X\[0, 0\] is nan"),
        (np.zeros((0, 2)), [], "at least one entry"),
        ([1.0, 0.5], [1, 1], "expected 2 axes"),
    ],
)
def test_the_constructor_refuses(X, y, message):
    with pytest.raises(ValueError, match=message):
        Dataset(X, y)


def test_the_constructor_refuses_single_precision_and_mixed_devices():
    with pytest.raises(TypeError, match="float32"):
        Dataset(torch.ones(1, 1), [1])
    with pytest.raises(ValueError, match="y is on the device meta"):
        Dataset(torch.ones(1, 1, dtype=torch.float64), torch.ones(1, device="meta").double())


def test_groups_are_indices():
    assert Dataset(UNIT, [1, -1], [0, 3]).groups.tolist() == [0, 3]
    for groups in ([0.5, 1], [-1, 0], [0]):
        with pytest.raises(ValueError, match="groups"):
            Dataset(UNIT, [1, -1], groups)


def test_to_keeps_everything():
    data = Dataset(UNIT, [1, -1], [0, 1], "name", {"gamma_svm": 0.1}).to("cpu")
    assert (data.n, data.d, data.name, dict(data.known)) == (2, 2, "name", {"gamma_svm": 0.1})
    assert data.groups.tolist() == [0, 1]


def test_nothing_that_was_passed_reaches_the_data_set_again():
    X, y = torch.tensor(UNIT, dtype=torch.float64), torch.tensor([1.0, -1.0]).double()
    groups, known = torch.tensor([0, 1]), {"gamma_svm": 0.1}
    data = Dataset(X, y, groups, "name", known)
    moved = data.to("cpu")
    X *= 5
    y[:] = 7
    groups += 1
    known["gamma_svm"] = 3.0
    for kept in (data, moved):
        assert (kept.X.tolist(), kept.y.tolist()) == (UNIT, [1.0, -1.0])
        assert (kept.groups.tolist(), kept.known) == ([0, 1], {"gamma_svm": 0.1})
    moved.X.zero_()
    moved.known.clear()
    assert (data.X.tolist(), data.known) == (UNIT, {"gamma_svm": 0.1})


def test_gradients_end_at_the_data_set():
    X = torch.tensor(UNIT, dtype=torch.float64, requires_grad=True)
    assert not Dataset(X, [1, -1]).X.requires_grad
    assert X.requires_grad


def test_the_name_and_what_is_known_are_of_their_kinds():
    with pytest.raises(TypeError, match="name is a int"):
        Dataset(UNIT, [1, -1], None, 3)
    with pytest.raises(TypeError, match="known is a list"):
        Dataset(UNIT, [1, -1], None, "", [("gamma_svm", 0.1)])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1e200, 1e200], r"X\[1\] has norm 1.41421e\+200; expected"),
        ([1e-200, 0.0], r"X\[1\] has norm 1e-200 and the longest 1; expected .* >= 1e-150"),
        ([5e-324, 0.0], r"X\[1\] has norm 4.94066e-324 and"),
        ([0.0, 0.0], r"X\[1\] is zero"),
    ],
)
def test_extreme_rows_are_named_as_they_are(row, message):
    with pytest.raises(ValueError, match=message):
        Dataset([[1.0, 0.0], row], [1, 1])


def test_equality_is_identity():
    data, same = Dataset(UNIT, [1, -1], [0, 1]), Dataset(UNIT, [1, -1], [0, 1])
    assert data == data
    assert data != same
    assert len({data, same, data}) == 2


def test_unit_inputs_may_be_longer_by_their_rounding_only():
    assert Dataset([[1.0 + 1e-14, 0.0]], [1]).n == 1
    with pytest.raises(ValueError, match=r"X\[0\] has norm 1 \+ 1e-09; expected"):
        Dataset([[1.0 + 1e-9, 0.0]], [1])
