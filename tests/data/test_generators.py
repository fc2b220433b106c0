"""Data sets: what their generators promise, and what the constructor and the reader refuse."""

import itertools
import math
import pickle

import numpy as np
import pytest
import torch

from lowrot.data import (
    Dataset,
    collapsed_groups,
    infer_groups,
    largest_separated,
    load,
    sparse_parity,
    two_points,
)
from lowrot.optima import global_margin, svm_margin

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


GROUPS = [
    {"r": 1, "d": 1, "spread": 0.0},
    {"r": 2, "d": 2, "spread": 0.7},
    {"r": 3, "d": 2, "spread": 0.26},
    {"r": 4, "d": 2, "spread": 0.0, "labels": [1, 1, -1, -1]},
    {"r": 4, "d": 8, "spread": [0.1, 0.2, 0.3, 0.6], "sizes": [1, 2, 5, 8], "blocks": 4},
    {"r": 5, "d": 4, "sizes": 5},
    {"r": 6, "d": 4, "spread": 0.2},
    {"r": 8, "d": 4, "spread": 0.0},
    {"r": 8, "d": 20, "spread": 0.05, "mirrored": False, "sizes": 9},
]


@pytest.mark.parametrize("arguments", GROUPS)
def test_groups_are_separated_as_promised(arguments):
    data = collapsed_groups(**arguments, seed=3)
    product = data.X @ data.X.T
    same = data.groups[:, None] == data.groups[None, :]
    assert float(product[same].min()) > 0
    assert float(product[~same].max() if (~same).any() else 0.0) <= 1e-12
    assert torch.allclose(data.X.norm(dim=1), torch.ones(data.n, dtype=torch.float64))
    assert data.groups.unique().tolist() == list(range(arguments["r"]))
    for k in range(arguments["r"]):
        assert len(data.y[data.groups == k].unique()) == 1
    assert torch.equal(infer_groups(data).groups, data.groups)


@pytest.mark.parametrize("arguments", [a for a in GROUPS if a.get("mirrored", True)])
def test_the_margins_of_groups_are_those_of_a_solver(arguments):
    data = collapsed_groups(**arguments, seed=3)
    found = []
    for k in range(arguments["r"]):
        X = data.X[data.groups == k]
        found.append(svm_margin(Dataset(X, torch.ones(len(X), dtype=torch.float64))).value)
        assert found[-1] == pytest.approx(data.known[f"gamma_{k}"], abs=1e-9)
    assert data.known["S"] == pytest.approx(sum(1 / gamma for gamma in found), rel=1e-8)


@pytest.mark.parametrize(
    "arguments",
    [
        {"r": 2, "d": 2, "spread": 0.7},
        {"r": 2, "d": 4, "spread": 0.3, "blocks": 2, "sizes": 2},
        {"r": 4, "d": 4, "blocks": 4, "spread": 0.0, "labels": [1, 1, 1, -1], "sizes": 1},
        {"r": 3, "d": 3, "blocks": 3, "spread": 0.0, "labels": [1, 1, 1], "sizes": 1},
        {"r": 3, "d": 6, "blocks": 3, "spread": [0.1, 0.4, 0.7], "sizes": 2},
        {"r": 3, "d": 4, "blocks": 2, "spread": [0.2, 0.5, 0.6], "sizes": 2, "labels": [1, -1, 1]},
    ],
)
def test_the_global_margin_of_groups_where_it_is_known(arguments):
    data = collapsed_groups(**arguments)
    assert global_margin(data).value == pytest.approx(data.known["gamma_gl"], rel=1e-6)


def test_groups_that_know_less_say_less():
    assert collapsed_groups(2, 3, mirrored=False).known == {}
    assert "gamma_gl" not in collapsed_groups(3, 2).known
    assert "gamma_gl" not in collapsed_groups(4, 8, blocks=2, labels=[1, 1, 1, -1]).known
    assert "gamma_gl" not in collapsed_groups(4, 2, spread=0.0, labels=[1, 1, -1, -1]).known


def test_groups_take_their_labels_sizes_and_seed():
    data = collapsed_groups(3, 5, sizes=[1, 2, 3], labels=[-1, 1, 1], seed=1)
    assert data.y.tolist() == [-1, 1, 1, 1, 1, 1]
    assert data.groups.tolist() == [0, 1, 1, 2, 2, 2]
    assert torch.equal(data.X, collapsed_groups(3, 5, sizes=[1, 2, 3], seed=1).X)
    assert not torch.equal(data.X, collapsed_groups(3, 5, sizes=[1, 2, 3], seed=2).X)


def test_independent_points_fill_the_cap_uniformly_in_the_plane():
    X = collapsed_groups(1, 2, sizes=4000, spread=0.5, mirrored=False).X
    angle = torch.atan2(X[:, 1], X[:, 0])
    counts = torch.histc(angle, bins=4, min=-0.5, max=0.5)
    assert float(angle.abs().max()) <= 0.5
    assert float((counts - 1000).abs().max()) < 4 * math.sqrt(750)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"r": 5, "d": 2}, r"expected r <= 2 d = 4"),
        ({"r": 3, "d": 2, "spread": 0.3}, r"spread of group 0 is 0.3 .* less than 0.261799"),
        ({"r": 2, "d": 2, "spread": math.pi / 4}, "less than 0.785398"),
        ({"r": 3, "d": 3, "blocks": 3}, "expected 0: 3 coordinates in 3 orthogonal blocks"),
        ({"r": 4, "d": 2, "blocks": 1}, r"blocks of \[4\] groups need 3 coordinates"),
        ({"r": 2, "d": 2, "blocks": 3}, "blocks is 3"),
        ({"r": 3, "d": 3, "sizes": [1, 2]}, "sizes has 2 entries"),
        ({"r": 3, "d": 3, "sizes": 0}, "sizes is 0"),
        ({"r": 3, "d": 3, "spread": [0.1, 0.1]}, "spread has 2 entries"),
        ({"r": 3, "d": 3, "spread": 1.0}, "spread is 1.0"),
        ({"r": 2, "d": 2, "labels": [1, 2]}, r"labels\[1\] is 2"),
        ({"r": 2, "d": 2, "seed": -1}, "seed"),
    ],
)
def test_groups_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        collapsed_groups(**arguments)


def test_groups_are_inferred_from_positive_products():
    # x_0 and x_1 are joined by x_2, though their own product is negative.
    chain = Dataset([[0.6, 0.7], [0.6, -0.7], [1.0, 0.0], [-1.0, 0.0]], [1, 1, 1, -1])
    assert infer_groups(chain).groups.tolist() == [0, 0, 0, 1]
    assert infer_groups(sparse_parity(2)).groups.tolist() == [0, 1, 2, 3]


def separated(data):
    product, groups = data.X @ data.X.T, infer_groups(data).groups
    same = groups[:, None] == groups[None, :]
    one_label = bool((data.y[:, None] == data.y[None, :])[same].all())
    return one_label and bool(((product > 1e-12) == same).all())


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_separated_part_is_one_and_none_is_larger(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((9, 2 + seed % 2))
    y = rng.choice([-1, 1], 9)
    data = Dataset(X / np.linalg.norm(X, axis=1, keepdims=True), y)
    part = largest_separated(data)
    assert separated(part)
    for size in range(part.n + 1, 10):
        for chosen in itertools.combinations(range(9), size):
            kept = list(chosen)
            assert not separated(Dataset(data.X[kept], data.y[kept]))


def test_separated_data_are_kept_whole_and_large_ones_refused():
    assert largest_separated(collapsed_groups(3, 2)).n == 12
    with pytest.raises(ValueError, match="n = 256"):
        largest_separated(sparse_parity(8))
