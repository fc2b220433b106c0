"""Data sets read from files and frames: scaling, precision, names, and what is refused."""

import gzip
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch

from lowrot.data import load

UNIT = [[0.6, 0.8], [1.0, 0.0]]


def read(tmp_path, name, text, **options):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(tmp_path / name, **options)


def test_npz_round_trip(tmp_path):
    np.savez(tmp_path / "mine.npz", X=np.array(UNIT), y=np.array([1, -1]), groups=np.array([1, 0]))
    data = load(tmp_path / "mine.npz")
    assert data.X.tolist() == UNIT
    assert data.groups.tolist() == [1, 0]
    assert data.name == "mine"


def test_csv_round_trip_and_scaling(tmp_path):
    text = "u,y,v\n3,1,4\n0,-1,1\n"
    data = read(tmp_path, "mine.csv", text, scale=True)
    assert torch.allclose(data.X, torch.tensor([[0.6, 0.8], [0.0, 0.2]], dtype=torch.float64))
    with pytest.raises(ValueError, match="scale=True"):
        load(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my.data.csv", b"a,b,y\n.6,.8,1\n1,0,-1\n"),
        ("my.data.tsv", b"a\tb\ty\n.6\t.8\t1\n1\t0\t-1\n"),
        ("my.data.csv.gz", gzip.compress(b"a,b,y\n.6,.8,1\n1,0,-1\n", mtime=0)),
        ("my.data.TSV.gz", gzip.compress(b"a\tb\ty\n.6\t.8\t1\n1\t0\t-1\n", mtime=0)),
    ],
)
def test_every_ending_is_read_and_left_out_of_the_name(tmp_path, name, text):
    data = read(tmp_path, name, text)
    assert (data.X.tolist(), data.y.tolist(), data.name) == (UNIT, [1.0, -1.0], "my.data")


def test_load_refuses_what_it_cannot_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="existing"):
        load(tmp_path / "absent.csv")
    with pytest.raises(ValueError, match=r"ends in \.csv, .*\.npz"):
        read(tmp_path, "mine.txt", "x")
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path, "broken.npz", b"not an archive")
    with pytest.raises(ValueError, match=r"cannot be read as \.csv\.gz"):
        read(tmp_path, "broken.csv.gz", b"a,y\n1,1\n")
    for kind in (None, 3, [UNIT], np.array(UNIT)):
        with pytest.raises(TypeError, match=f"path is a {type(kind).__name__}"):
            load(kind)


def test_load_never_unpickles(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    np.savez(tmp_path / "trap.npz", X=np.array([Trap()], dtype=object), y=np.array([1]))
    with pytest.raises(ValueError, match="array X is refused"):
        load(tmp_path / "trap.npz")
    np.save(tmp_path / "trap.npy", np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "trap.npy", target=tmp_path / "trap.npy")
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path, "plain.npz", pickle.dumps({"X": UNIT}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": ","}, "sep is ','; expected None, as it says nothing of a .npz file"),
        ({"decimal": ","}, "decimal is ','"),
    ],
)
def test_arguments_of_text_are_refused_elsewhere(tmp_path, options, message):
    np.savez(tmp_path / "mine.npz", X=np.array(UNIT), y=np.array([1, -1]))
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "mine.npz", **options)
    with pytest.raises(ValueError, match="nothing of a frame"):
        load(pd.DataFrame({"a": [1.0], "y": [1]}), **options)


def test_options_are_of_their_kinds(tmp_path):
    with pytest.raises(TypeError, match="scale is a str"):
        read(tmp_path, "mine.csv", "a,y\n1,1\n", scale="yes")
    for features in (2.5, {"a", "b"}):
        with pytest.raises(TypeError, match="features is"):
            load(tmp_path / "mine.csv", features=features)
    with pytest.raises(TypeError, match="positional"):
        load(tmp_path / "mine.csv", True)


@pytest.mark.parametrize("kept", ["float32 npz", "float64 npz", "csv"])
def test_rows_normalized_in_single_precision_load(tmp_path, kept):
    """Divided by the largest norm, which rounding alone has made larger than 1."""
    X = np.random.default_rng(0).standard_normal((200, 30)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    assert 1 + 1e-12 < np.linalg.norm(X.astype(float), axis=1).max() < 1 + 1e-6
    wanted = torch.tensor(X.astype(float)) / torch.tensor(X.astype(float)).norm(dim=1).max()
    if kept == "csv":
        file = tmp_path / "mine.csv"
        pd.DataFrame(X.astype(float)).assign(y=1).to_csv(file, index=False)
    else:
        file = tmp_path / "mine.npz"
        np.savez(file, X=X.astype(kept.split()[0]), y=np.ones(200))
    assert load(file).X.equal(wanted)


def test_single_and_half_precision_are_promoted_exactly(tmp_path):
    for dtype in (np.float32, np.float16):
        X = np.array([[0.1, 0.2], [0.3, 0.4]], dtype)
        groups = np.array([0, 1], dtype)
        np.savez(tmp_path / "mine.npz", X=X, y=np.array([1, -1], dtype), groups=groups)
        data = load(tmp_path / "mine.npz")
        assert data.X.tolist() == X.astype(float).tolist()
        assert data.groups.tolist() == [0, 1]


def test_rows_beyond_rounding_are_not_scaled_unasked(tmp_path):
    with pytest.raises(ValueError, match=r"X\[0\] has norm 1 \+ 5e-06; expected .*<= 1 .*scale"):
        read(tmp_path, "mine.csv", "a,b,y\n1.000005,0,1\n0,1,-1\n")


@pytest.mark.parametrize("size", ["1e200", "1e-200", "1e308", "1e-310"])
def test_any_size_scales_to_the_same_data(tmp_path, size):
    head, exponent = size.split("e")
    less = f"{head}e{int(exponent) - 1}"
    data = read(tmp_path, "mine.csv", f"a,b,y\n{size},{size},1\n0,{less},-1\n", scale=True)
    assert torch.allclose(
        data.X, torch.tensor([[1, 1], [0, 0.1]], dtype=torch.float64) / 2**0.5, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("row", "scale", "message"),
    [
        ("1e200,0", False, r"X\[0\] has norm 1e\+200; expected \|\|x_i\|\| <= 1"),
        ("1e-200,0", False, r"X\[0\] has norm 1e-200 and the longest 1; expected .*1e-150"),
        ("1e-200,0", True, r"X\[0\] has norm 1e-200 and the longest 1; expected .*1e-150"),
        ("0,0", False, r"X\[0\] is zero; .*\(drop the point"),
        ("0,0", True, r"X\[0\] is zero; .*\(drop the point"),
    ],
)
def test_extreme_rows_are_named_as_they_are(tmp_path, row, scale, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "mine.csv", f"a,b,y\n{row},1\n0,1,-1\n", scale=scale)


def test_all_zero_rows_are_not_divided(tmp_path):
    with pytest.raises(ValueError, match=r"X\[0\] is zero"):
        read(tmp_path, "mine.csv", "a,b,y\n0,0,1\n0,0,-1\n", scale=True)


def test_the_docstring_lists_the_endings(tmp_path):
    with pytest.raises(ValueError) as refused:
        read(tmp_path, "mine.pkl", b"")
    for ending in re.findall(r"\.[a-z.]+[a-z]", str(refused.value).split("ends in")[1]):
        assert ending in load.__doc__ or ending.removesuffix(".gz") in load.__doc__
