"""Columns of frames and labels of any kind: what they become, and which row is named."""

import numpy as np
import pandas as pd
import pytest

from lowrot.data import load

ROWS = [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "category", "float32", "bool", "boolean"])
def test_frames_of_any_numeric_columns(dtype):
    frame = pd.DataFrame({"a": [1, 0], "y": [1, -1], "b": [0, 1]})
    frame = frame.astype({"a": dtype, "b": dtype})
    data = load(frame)
    assert (data.X.tolist(), data.y.tolist(), data.name) == (ROWS, [1.0, -1.0], "")


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "category", "int8", "object"])
def test_labels_and_groups_in_any_numeric_column(dtype):
    frame = pd.DataFrame({"a": [1, 0], "y": [1, -1], "b": [0, 1], "groups": [0, 3]})
    data = load(frame.astype({"y": dtype, "groups": dtype}))
    assert (data.X.tolist(), data.y.tolist()) == (ROWS, [1.0, -1.0])
    assert data.groups.tolist() == [0, 3]


def test_columns_by_labels_that_are_numbers():
    frame = pd.DataFrame([[1, 1.0, 0.0], [-1, 0.0, 1.0]], index=["p", "q"])
    assert load(frame, target=0).X.tolist() == ROWS
    assert load(frame.iloc[:1], target=0, features=[1]).X.tolist() == [[1.0]]
    with pytest.raises(ValueError, match=r"columns are 0, 1, 2\. None is -1"):
        load(frame, target=-1)


@pytest.mark.parametrize(
    ("column", "error", "message"),
    [
        (pd.array([1, None], "Int64"), ValueError, "'b' is missing in row q; expected finite"),
        (pd.array([None, 0.5], "Float64"), ValueError, "'b' is missing in row p"),
        (pd.Categorical(["1", None]), ValueError, "'b' is missing in row q"),
        (["0.5", "half"], ValueError, "'b' is 'half' in row q"),
        ([0.5, [1]], (TypeError, ValueError), "b|list"),
        ([0.5, np.inf], ValueError, "'b' is inf in row q"),
        (pd.to_datetime(["2020", "2021"]), TypeError, "'b' has dtype datetime64"),
        ([1j, 2j], TypeError, "'b' has dtype complex128"),
    ],
)
def test_a_column_that_is_no_coordinate_is_named_with_its_row(column, error, message):
    frame = pd.DataFrame({"a": [1, 0], "y": [1, -1]}, index=["p", "q"])
    frame["b"] = column
    with pytest.raises(error, match=message):
        load(frame)
    assert load(frame.iloc[:1], features="a").X.tolist() == [[1.0]]


def test_an_index_that_was_written_and_read_again():
    frame = pd.DataFrame({"Unnamed: 0": [0, 1], "a": [1, 0], "b": [0, 1], "y": [1, -1]})
    assert load(frame).X.tolist() == ROWS
    frame["Unnamed: 0"] = [3, 1]
    with pytest.raises(ValueError, match="Column 0 has no name"):
        load(frame)


@pytest.mark.parametrize("name", ["id", "Index"])
def test_a_column_that_is_called_an_index_and_is_one_is_not_taken_unasked(name):
    frame = pd.DataFrame({name: [1, 2], "a": [1, 0], "b": [0, 1], "y": [1, -1]})
    with pytest.raises(ValueError, match=f"{name!r} counts the rows; pass features="):
        load(frame, scale=True)
    assert load(frame, features=["a", "b"]).X.tolist() == ROWS
    frame[name] = [0.5, 0.25]
    assert load(frame, scale=True).d == 3


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        ([1, 0], 1),
        ([1, 2], 1),
        ([2.0, 1.0], 2),
        ([True, False], True),
        (["yes", "no"], "yes"),
        (["yes ", "no"], "yes"),
        (pd.Categorical(["b", "a"]), "b"),
        (pd.array([1, 0], "Int64"), 1),
        (pd.array([True, False], "boolean"), True),
        ([-1, 1], -1),
    ],
)
def test_two_labels_become_signs_when_one_is_positive(labels, positive):
    frame = pd.DataFrame({"a": [1, 0], "b": [0, 1], "y": labels})
    assert load(frame, positive=positive).y.tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    ("labels", "listed"),
    [
        ([1, 0], "1, 0; .* positive=0"),
        ([1, 2], "1, 2; "),
        ([True, True], "True; "),
        (["yes", "no"], "'yes', 'no'; .* positive='no'"),
    ],
)
def test_other_labels_are_listed(labels, listed):
    frame = pd.DataFrame({"a": [1, 0], "kind": labels})
    with pytest.raises(ValueError, match=rf"label \(column 'kind'\) is one of {listed}"):
        load(frame, target="kind")


@pytest.mark.parametrize(
    ("labels", "positive", "error", "message"),
    [
        (["a", "b", "c"], "a", ValueError, "'a', 'b', 'c'; expected two"),
        (["a", "b", "c"], None, ValueError, "'a', 'b', 'c'; expected two"),
        (list("abcdef"), None, ValueError, "'d', 'e', .. .6 of them.; expected two"),
        (["a", "b", "a"], "c", ValueError, "positive is 'c', but label .* one of 'a', 'b'"),
        ([1, 0, 1], "1", ValueError, "positive is '1', but .* one of 1, 0"),
        ([1, 0, 1], [1], TypeError, r"positive is \[1\]; expected one label"),
        (["a", None, "b"], "a", ValueError, "is missing in row 1"),
        ([1.0, -1.0, np.nan], None, ValueError, "is missing in row 2"),
    ],
)
def test_labels_that_are_not_two_are_refused(labels, positive, error, message):
    frame = pd.DataFrame({"a": 1, "y": labels})
    with pytest.raises(error, match=message):
        load(frame, positive=positive)
