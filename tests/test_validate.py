"""The input checks: what passes unchanged, and the error each wrong value gives."""

import math

import numpy as np
import pytest
import torch

from lowrot import _validate


@pytest.mark.parametrize("value", [[1, 2], [1.0, 2.0], np.array([1, 2]), torch.tensor([1, 2])])
def test_real_array_converts_exact_numbers_to_float64(value):
    out = _validate.real_array("X", value, ("n",))
    assert out.dtype == torch.float64
    assert out.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (torch.zeros(2), TypeError, "float32"),
        (torch.zeros(2, dtype=torch.float16), TypeError, "float16"),
        (torch.zeros(2, dtype=torch.bfloat16), TypeError, "bfloat16"),
        (np.zeros(2, dtype=np.float16), TypeError, "float16"),
        (np.zeros(2, dtype=np.float32), TypeError, "float32"),
        (torch.zeros(2, dtype=torch.complex128), TypeError, "real numbers"),
        (["a", "b"], TypeError, "expected float64"),
        ([[1.0]], ValueError, r"expected 1 axes \(n,\)"),
        ([], ValueError, "at least one entry"),
        ([1.0, math.nan], ValueError, r"X\[1\] is nan"),
        ([math.inf, 1.0], ValueError, r"X\[0\] is inf"),
    ],
)
def test_real_array_refuses(value, error, message):
    with pytest.raises(error, match=message):
        _validate.real_array("X", value, ("n",))


def test_real_array_names_the_axis_of_a_wrong_size():
    with pytest.raises(ValueError, match="expected 3 along axis 1"):
        _validate.real_array("X", torch.zeros(2, 2, dtype=torch.float64), ("n", 3))


def test_signs():
    assert _validate.signs("y", [1, -1], 2).tolist() == [1.0, -1.0]
    with pytest.raises(ValueError, match=r"y\[1\] is 0; expected -1 or \+1"):
        _validate.signs("y", [1, 0], 2)


def test_same_device_names_both_devices():
    here, there = torch.zeros(1), torch.zeros(1, device="meta")
    _validate.same_device(a=here, b=here)
    with pytest.raises(ValueError, match="a on cpu, b on meta"):
        _validate.same_device(a=here, b=there)


@pytest.mark.parametrize("value", [1.0, "1", True, None])
def test_integer_refuses_other_types(value):
    with pytest.raises(TypeError, match="expected an integer"):
        _validate.integer("m", value, 0)


def test_integer_limits():
    assert _validate.integer("m", np.int64(3), 1, 3) == 3
    with pytest.raises(ValueError, match="at least 1"):
        _validate.integer("m", 0, 1)
    with pytest.raises(ValueError, match="between 1 and 3"):
        _validate.integer("m", 4, 1, 3)


def test_number_limits():
    assert _validate.number("slope", 1, 0.0, 1.0) == 1.0
    with pytest.raises(TypeError, match="expected a number"):
        _validate.number("slope", "steep")
    for value in (math.nan, math.inf, 1.5):
        with pytest.raises(ValueError, match="finite number in"):
            _validate.number("slope", value, 0.0, 1.0)


def test_choice():
    assert _validate.choice("loss", "a", ("a", "b")) == "a"
    with pytest.raises(ValueError, match="expected one of 'a', 'b'"):
        _validate.choice("loss", "c", ("a", "b"))


def test_layers_are_selected_by_one_word():
    assert _validate.layers("outer") == (True, False)
    assert _validate.layers("inner") == (False, True)
    assert _validate.layers("both") == (True, True)
    with pytest.raises(ValueError, match="layers is 'all'; expected one of 'outer', 'inner'"):
        _validate.layers("all")
