"""Data sets: what their generators promise, and what the constructor and the reader refuse."""

import math
import pickle

import numpy as np
import pytest
import torch

from lowrot.data import Dataset, load, sparse_parity, two_points

UNIT = [[0.6, 0.8], [1.0, 0.0]]


@pytest.mark.parametrize(("d", "k"), [(1, 1), (3, 2), (5, 3)])
def test_the_hypercube_is_complete_and_its_labels_are_parities(d, k):
    data = sparse_parity(d, k)
    assert data.X.unique(dim=0).shape == (2**d, d)
    assert torch.allclose(data.X.norm(dim=1), torch.ones(2**d, dtype=torch.float64))
    assert torch.allclose(data.y, data.X[:, :k].prod(dim=1) * d ** (k / 2))


def test_only_two_sparse_parity_on_the_whole_cube_knows_its_margin():
    assert sparse_parity(4).known == {"gamma_gl": 1 / math.sqrt(32)}
    assert sparse_parity(4, 3).known == {}
    assert sparse_parity(4, 2, n=10).known == {}


def test_samples_depend_on_the_seed_only():
    first, same, other = (sparse_parity(6, 2, 20, seed) for seed in (1, 1, 2))
    assert torch.equal(first.X, same.X)
    assert not torch.equal(first.X, other.X)
    assert torch.allclose(first.y, 6 * first.X[:, 0] * first.X[:, 1])


@pytest.mark.parametrize("arguments", [(0,), (3, 4), (3, 0), (3, 2, 0), (3, 2, 5, -1), (21,)])
def test_sparse_parity_refuses(arguments):
    with pytest.raises(ValueError):
        sparse_parity(*arguments)


def test_two_points_are_on_the_circle_at_plus_and_minus_phi():
    data = two_points(1.2)
    angles = torch.atan2(data.X[:, 1], data.X[:, 0])
    assert angles.tolist() == pytest.approx([1.2, -1.2])
    assert data.y.tolist() == [1, 1]
    assert data.known["gamma_gl"] == 0.5
    assert two_points(0.1).known["gamma_gl"] == math.cos(0.1)


@pytest.mark.parametrize("phi", [-0.1, 1.6, math.nan])
def test_two_points_refuses(phi):
    with pytest.raises(ValueError, match="phi"):
        two_points(phi)


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
    # A meta tensor has no values to check, so only the device check can speak.
    with pytest.raises((ValueError, RuntimeError, NotImplementedError)):
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
