"""Groups found in data, and the largest part that has them."""

import itertools
import math

import numpy as np
import pytest
import torch

from lowrot.data import Dataset, collapsed_groups, infer_groups, largest_separated, sparse_parity


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


def test_small_products_join_as_large_ones_do():
    for angle, groups in ((1e-6, [0, 0]), (0.0, [0, 1]), (-1e-6, [0, 1])):
        pair = Dataset([[1.0, 0.0], [math.sin(angle), math.cos(angle)]], [1, 1])
        assert infer_groups(pair).groups.tolist() == groups


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e-6, 1e-9, 1e-12])
def test_groups_do_not_depend_on_the_unit_of_the_inputs(unit):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((12, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    y = rng.choice([-1, 1], 12)
    for data in (Dataset(X, y), sparse_parity(3), collapsed_groups(4, 3)):
        small = Dataset(unit * data.X, data.y)
        assert torch.equal(infer_groups(small).groups, infer_groups(data).groups)
        small, large = largest_separated(small), largest_separated(data)
        assert torch.allclose(small.X, unit * large.X, rtol=1e-14, atol=0)
        assert torch.equal(small.groups, large.groups)


def test_a_short_input_joins_a_long_one():
    short = 1e-13 * torch.tensor([[0.6, 0.8], [0.0, 1.0]], dtype=torch.float64)
    pair = Dataset(torch.cat([torch.eye(2, dtype=torch.float64)[:1], short]), [1, 1, 1])
    assert infer_groups(pair).groups.tolist() == [0, 0, 0]
