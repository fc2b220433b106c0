"""Data sets read from files, and what the reader refuses."""

import pickle

import numpy as np
import pytest
import torch

from lowrot.data import load

UNIT = [[0.6, 0.8], [1.0, 0.0]]


def test_npz_round_trip(tmp_path):
    np.savez(tmp_path / "mine.npz", X=np.array(UNIT), y=np.array([1, -1]), groups=np.array([1, 0]))
    data = load(tmp_path / "mine.npz")
    assert data.X.tolist() == UNIT
    assert data.groups.tolist() == [1, 0]
    assert data.name == "mine"


def test_csv_round_trip_and_scaling(tmp_path):
    (tmp_path / "mine.csv").write_text("u,y,v\n3,1,4\n0,-1,1\n")
    data = load(str(tmp_path / "mine.csv"), scale=True)
    assert torch.allclose(data.X, torch.tensor([[0.6, 0.8], [0.0, 0.2]], dtype=torch.float64))
    with pytest.raises(ValueError, match="scale=True"):
        load(tmp_path / "mine.csv")


def test_load_refuses_what_it_cannot_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="existing"):
        load(tmp_path / "absent.csv")
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match=r"ends in \.npz or \.csv"):
        load(tmp_path / "mine.txt")
    (tmp_path / "broken.npz").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "broken.npz")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "empty.csv")
    (tmp_path / "unlabelled.csv").write_text("u,v\n1,0\n")
    with pytest.raises(ValueError, match="has no y"):
        load(tmp_path / "unlabelled.csv")
    (tmp_path / "words.csv").write_text("u,y\nred,1\n")
    with pytest.raises((TypeError, ValueError), match="X has dtype"):
        load(tmp_path / "words.csv")


def test_load_never_unpickles(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    np.savez(tmp_path / "trap.npz", X=np.array([Trap()], dtype=object), y=np.array([1]))
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "trap.npz")
    (tmp_path / "plain.npz").write_bytes(pickle.dumps({"X": UNIT}))
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "plain.npz")
