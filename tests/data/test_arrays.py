"""Files of arrays: only what is needed is read; optional readers say what they need."""

import sys

import numpy as np
import pandas as pd
import pytest

from lowrot.data import load

UNIT = [[0.6, 0.8], [1.0, 0.0]]
X, Y = np.array(UNIT), np.array([1, -1])


def test_entries_that_are_not_needed_are_not_read(tmp_path):
    meta = np.array([{"made": "today"}], dtype=object)
    np.savez(tmp_path / "mine.npz", X=X, y=Y, meta=meta)
    assert load(tmp_path / "mine.npz").X.tolist() == UNIT


def test_arrays_by_other_names(tmp_path):
    np.savez(tmp_path / "mine.npz", X, Y[:, None] + 1)
    with pytest.raises(ValueError, match=r"no X, but arr_0, arr_1; .* features= the name"):
        load(tmp_path / "mine.npz")
    with pytest.raises(ValueError, match=r"no y, but arr_0, arr_1; .* target= the name"):
        load(tmp_path / "mine.npz", features="arr_0")
    data = load(tmp_path / "mine.npz", features="arr_0", target="arr_1", positive=0)
    assert (data.X.tolist(), data.y.tolist()) == (UNIT, [-1.0, 1.0])
    with pytest.raises(ValueError, match="both 'arr_0'"):
        load(tmp_path / "mine.npz", features="arr_0", target="arr_0")
    np.savez(tmp_path / "named.npz", X=X, y=Y)
    with pytest.raises(TypeError, match="target is 0; expected the name of an array"):
        load(tmp_path / "named.npz", target=0)
    with pytest.raises(ValueError, match="it has no , but X, y"):
        load(tmp_path / "named.npz", target="")
    with pytest.raises(TypeError, match=r"features is .*; expected the name of an array"):
        load(tmp_path / "mine.npz", features=["arr_0"])


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (np.zeros((2, 2), complex), Y, TypeError, "X has dtype complex128"),
        (np.array([["a", "b"]]), Y, TypeError, "X has dtype"),
        (np.ones((2, 2, 2)), Y, ValueError, "X has shape"),
        (np.array([[0.6, np.nan], [1, 0]]), Y, ValueError, r"X\[0, 1\] is nan"),
        (X, np.ones((2, 2)), ValueError, r"y has shape \(2, 2\)"),
        (X, np.ones(3), ValueError, "expected 2 along axis 0"),
        (X, np.array([0, 1]), ValueError, "one of 0, 1; expected -1 and"),
    ],
)
def test_arrays_that_are_no_data_are_refused(tmp_path, X, y, error, message):
    np.savez(tmp_path / "mine.npz", X=X, y=y)
    with pytest.raises(error, match=message):
        load(tmp_path / "mine.npz")


def test_a_pair_of_files(tmp_path):
    np.save(tmp_path / "mine.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    data = load(tmp_path / "mine.npy", target=tmp_path / "labels.npy")
    assert (data.X.tolist(), data.y.tolist(), data.name) == (UNIT, [1.0, -1.0], "mine")
    with pytest.raises(ValueError, match=r"pass target= the \.npy file"):
        load(tmp_path / "mine.npy")
    with pytest.raises(FileNotFoundError, match=r"target is .*absent"):
        load(tmp_path / "mine.npy", target=str(tmp_path / "absent.npy"))
    np.savez(tmp_path / "labels.npz", Y)
    with pytest.raises(ValueError, match="expected one array"):
        load(tmp_path / "mine.npy", target=tmp_path / "labels.npz")


def test_an_array_that_is_called_an_archive(tmp_path):
    with open(tmp_path / "mine.npz", "wb") as file:
        np.save(file, X)
    with pytest.raises(ValueError, match="holds one array; expected an archive"):
        load(tmp_path / "mine.npz")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": X[:, 0], "kind": ["p", "n"], "b": X[:, 1]}, index=[7, 5])
    frame.to_parquet(tmp_path / "mine.parquet")
    data = load(tmp_path / "mine.parquet", target="kind", positive="p")
    assert (data.X.tolist(), data.y.tolist(), data.name) == (UNIT, [1.0, -1.0], "mine")
    with pytest.raises(ValueError, match=r"columns are 'a', 'kind', 'b'\. None is 'y'"):
        load(tmp_path / "mine.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"cannot be read as \.parquet"):
        load(tmp_path / "bad.parquet")


def test_svmlight(tmp_path):
    pytest.importorskip("sklearn")
    (tmp_path / "mine.svm").write_text("1 1:0.6 2:0.8\n-1 1:1\n")
    data = load(tmp_path / "mine.svm")
    assert (data.X.tolist(), data.y.tolist(), data.name) == (UNIT, [1.0, -1.0], "mine")
    (tmp_path / "mine.libsvm").write_text("2 1:0.6 2:0.8\n1 1:1\n")
    assert load(tmp_path / "mine.libsvm", positive=2).y.tolist() == [1.0, -1.0]
    (tmp_path / "bad.svmlight").write_text("1 one\n")
    with pytest.raises(ValueError, match=r"cannot be read as \.svmlight"):
        load(tmp_path / "bad.svmlight")


@pytest.mark.parametrize(
    ("module", "name", "package"),
    [("pyarrow", "a.parquet", "pyarrow"), ("sklearn.datasets", "a.svm", "scikit-learn")],
)
def test_readers_that_are_not_installed_are_asked_for(tmp_path, monkeypatch, module, name, package):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ImportError, match=rf"needs {package} \(pip install {package}\)"):
        load(tmp_path / name)
