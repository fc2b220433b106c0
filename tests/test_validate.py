"""The input checks: what passes unchanged, and the error each wrong value gives."""

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from torch.masked import masked_tensor

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


HIDDEN = np.ma.array([1.0, 2.0], mask=[False, True])
ONES = torch.ones(2, 2, dtype=torch.float64)
with warnings.catch_warnings(action="ignore"):  # that torch may change these kinds of tensor
    LAZY = torch.nn.LazyLinear(2, dtype=torch.float64).weight
    MASKED, ROWS = masked_tensor(ONES, ONES > 0), torch.nested.nested_tensor([ONES[0], ONES[0]])
    QUANTIZED = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    COO, CSR = ONES.to_sparse(), ONES.to_sparse_csr()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (HIDDEN, TypeError, "X is a masked array"),
        (np.ma.array([1.0, 2.0]), TypeError, "X is a masked array"),
        ([[0.0, 1.0], HIDDEN], TypeError, "X is a masked array"),
        (MASKED, TypeError, "X is a masked tensor"),
        (COO, TypeError, r"layout torch.sparse_coo; expected X.to_dense\(\)"),
        (CSR, TypeError, "layout torch.sparse_csr"),
        (csr_array(np.eye(2)), TypeError, r"sparse csr_array; expected X.toarray\(\)"),
        (ROWS, TypeError, "X is a nested tensor"),
        (QUANTIZED, TypeError, r"torch.qint8; expected X.dequantize\(\)"),
        (LAZY, ValueError, "X is not initialized"),
        (ONES.to("meta"), ValueError, "X is on the device meta"),
        ([ONES.clone().requires_grad_()], TypeError, "X cannot be read as an array"),
        ([[1.0], [1.0, 2.0]], ValueError, "X cannot be read as an array"),
        pytest.param(
            np.zeros(2, np.longdouble),
            TypeError,
            "X has dtype .*; expected float64",
            marks=pytest.mark.skipif(np.finfo(np.longdouble).eps == np.finfo(float).eps, reason=""),
        ),
        (np.array([1.0, None]), TypeError, "X has dtype object"),
    ],
)
def test_real_array_refuses_what_is_no_plain_array(value, error, message):
    with pytest.raises(error, match=message):
        _validate.real_array("X", value, ("n", "d"))


def test_real_array_copies_where_it_must_be_the_callers_own():
    for given in (torch.ones(2, dtype=torch.float64), np.ones(2), np.ones(2, int)):
        own = _validate.real_array("X", given, ("n",), copy=True)
        given[0] = 7
        assert own.tolist() == [1.0, 1.0]
    shared = torch.ones(2, dtype=torch.float64)
    assert _validate.real_array("X", shared, ("n",)).data_ptr() == shared.data_ptr()


def test_real_array_resolves_views():
    """The imaginary part of a conjugate is a view that numpy cannot take."""
    value = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex128).conj().imag
    assert value.is_neg()
    assert _validate.real_array("X", value, ("n",)).numpy().tolist() == [-2.0, 4.0]
    row = torch.ones(1, 2, dtype=torch.float64).expand(3, 2)
    own = _validate.real_array("X", row, ("n", "d"), copy=True)
    own[0, 0] = 7
    assert own.tolist() == [[7.0, 1.0], [1.0, 1.0], [1.0, 1.0]]


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


def test_numbers_of_any_shape_keep_infinities_and_refuse_what_they_would_drop():
    for value in (1, [1, math.inf], torch.ones(2, 1), np.float32(0.5), [Fraction(1, 2)], [[]]):
        found = _validate.numbers("x", value)
        assert found.dtype == np.float64
        assert found.shape == np.shape(value)
    for value in (
        1j,
        [1.0, 1j],
        "1",
        ["1"],
        None,
        np.ma.masked,
        np.ma.masked_array([1.0], [True]),
        np.datetime64("2020-01-01"),
        torch.eye(2).to_sparse(),
        torch.ones(2) + 1j,
    ):
        with pytest.raises(TypeError, match=r"^x is|^x has"):
            _validate.numbers("x", value)
    with pytest.raises(ValueError, match="x is on the device meta"):
        _validate.numbers("x", torch.ones(2, device="meta"))


def test_a_real_number_is_no_text_and_has_no_imaginary_part_or_mask():
    assert _validate.real("x", -(10**400)) == -math.inf
    assert _validate.real("x", np.float32(0.5)) == _validate.real("x", torch.tensor(0.5)) == 0.5
    for value in ("1", b"1", 1j, np.complex128(1), np.array(1j), np.ma.masked, None, object()):
        with pytest.raises(TypeError, match=r"^x is .*; expected a number"):
            _validate.real("x", value)
    with pytest.raises(ValueError, match="x is inf; expected a finite number"):
        _validate.number("x", 10**400)
    with pytest.raises(ValueError, match="x is beyond 64 bits; expected an integer at least 1"):
        _validate.integer("x", 2**63, 1)


def test_flags_lists_and_devices():
    assert _validate.flag("x", np.bool_(True)) is True
    for value in (1, 0.0, None, "", np.ones(1, dtype=bool)):
        with pytest.raises(TypeError, match=r"^x is .*; expected True or False"):
            _validate.flag("x", value)
    for value in ([1, 2], (1, 2), range(1, 3), np.arange(1, 3), {1: 1, 2: 2}.values()):
        assert _validate.listed("x", value) == [1, 2]
    for value in ("12", {1, 2}, {1: 2}, iter([1, 2]), 3, np.array(3), np.ma.masked_array([1, 2])):
        with pytest.raises(TypeError, match=r"^x is .*; expected a list"):
            _validate.listed("x", value)
    assert _validate.device("x", "cpu") == torch.device("cpu")
    for value, error in (("meta", ValueError), ("abacus", ValueError), (None, TypeError)):
        with pytest.raises(error, match=r"^x is .*; expected a device"):
            _validate.device("x", value)


def test_coordinates_are_two_different_integers_below_d():
    assert _validate.coordinates("pair", [2, np.int64(0)], 3) == (2, 0)
    for wrong, message in (
        ([0, 3], r"pair\[1\] is 3"),
        ([-1, 0], r"pair\[0\] is -1"),
        ([1, 1], "two different coordinates below 3"),
        ([0, 1, 2], "pair has 3 entries"),
    ):
        with pytest.raises(ValueError, match=message):
            _validate.coordinates("pair", wrong, 3)
    for kind in ("01", [0.0, 1.0], None, {0, 1}):
        with pytest.raises(TypeError, match="pair"):
            _validate.coordinates("pair", kind, 3)
