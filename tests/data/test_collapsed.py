"""Groups in blocks: separated as promised, with the margins that they know."""

import math

import numpy as np
import pytest
import torch

from lowrot.data import Dataset, _collapsed, collapsed_groups, infer_groups
from lowrot.optima import global_margin, svm_margin

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


@pytest.mark.parametrize("d", [2, 3, 5])
def test_independent_points_are_uniform_in_a_power_of_the_angle(d):
    X = collapsed_groups(1, d, sizes=4000, spread=0.6, mirrored=False).X
    centre = torch.zeros(d, dtype=torch.float64)
    centre[0] = 1.0
    angle = 2 * torch.asin((X - centre).norm(dim=1) / 2)
    part = (angle / 0.6) ** (d - 1)
    counts = torch.histc(part, bins=4, min=0, max=1)
    assert float((counts - 1000).abs().max()) < 4 * math.sqrt(750)


def test_a_spread_at_its_limit_gives_separated_groups_or_none():
    given = 0
    for k in range(1, 40):
        spread = math.pi / 4 - k * 2.0**-54
        try:
            data = collapsed_groups(2, 4, sizes=6, spread=spread, seed=k)
        except ValueError:
            continue
        given += 1
        product, same = data.X @ data.X.T, data.groups[:, None] == data.groups[None, :]
        assert float(product[same].min()) > 0
    assert given > 0


def test_products_within_and_across_decide_what_is_separated():
    groups = np.array([0, 0, 1])
    good = np.array([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.0]])
    assert _collapsed._separated(good, groups)
    assert not _collapsed._separated(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), groups)
    assert not _collapsed._separated(np.array([[1.0, 0.0], [1.0, 0.1], [1e-6, 1.0]]), groups)
