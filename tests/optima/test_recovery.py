"""The linear program of recovery: against the global margin, its points and its proofs."""

import itertools
import math

import numpy as np
import pytest
import torch

from lowrot import Dataset, sparse_parity
from lowrot.optima import _recovery, global_margin, parity_recovery


def canonical(rows):
    """The subsets of the cube that the symmetries of the task make of one, d = 3: its least."""
    images = []
    for flips in itertools.product((1, -1), repeat=3):
        if flips[0] * flips[1] < 0:
            continue  # labels are kept
        for order in ((0, 1, 2), (1, 0, 2)):
            moved = sorted(tuple(f * r[k] for f, k in zip(flips, order)) for r in rows)
            images.append(tuple(moved))
    return min(images)


def met_by_hand(data, found, pair=(0, 1)):
    """The conditions, written out point by point."""
    X = data.X.numpy() * math.sqrt(data.d)
    q, w = found.q.numpy(), found.w.numpy()
    assert q.min() >= 0
    assert w.min() >= 0
    assert (w <= q + 1e-15).all()
    others = [k for k in range(data.d) if k not in pair]
    for k, signs in enumerate(itertools.product((1, -1), repeat=2)):
        own = [i for i in range(data.n) if tuple(X[i, list(pair)]) == signs]
        first = [i for i in range(data.n) if tuple(X[i, list(pair)]) == (-signs[0], signs[1])]
        second = [i for i in range(data.n) if tuple(X[i, list(pair)]) == (signs[0], -signs[1])]
        assert q[own].sum() == pytest.approx(0.25, abs=1e-8)
        assert w[k, first].sum() == pytest.approx(w[k, second].sum(), abs=1e-8)
        assert w[k].sum() == pytest.approx(w[k, first].sum() + w[k, second].sum())
        left = q[own] @ X[own][:, others]
        right = w[k, first] @ X[first][:, others] + w[k, second] @ X[second][:, others]
        assert np.abs(left - right).max(initial=0) < 1e-8


def refuted_by_hand(data, found):
    """No point of the cone, drawn at random or extreme, meets the conditions."""
    signs, pair = _recovery.parity_signs(data, (0, 1))
    program = _recovery._conditions(signs, pair)
    y, rng = found.farkas.numpy(), np.random.default_rng(0)
    assert found.excess > 1e-6
    for _ in range(50):
        q = rng.dirichlet(np.full(data.n, 0.3))
        w = q[program.owner] * rng.integers(0, 2, len(program.owner))
        z = np.concatenate([q, w])
        assert y @ program.A @ z <= y @ program.b - found.excess + 1e-12


def test_all_subsets_of_three_dimensions():
    """Of 255 subsets in 33 classes or so, exactly those that pass have the margin of the cube."""
    points = list(itertools.product((1, -1), repeat=3))
    margins, verdicts = {}, []
    for size in range(1, 9):
        for rows in itertools.combinations(points, size):
            X = torch.tensor(rows, dtype=torch.float64) / math.sqrt(3)
            data = Dataset(X, (X[:, 0] * X[:, 1]).sign())
            found = parity_recovery(data)
            (met_by_hand if found.feasible else refuted_by_hand)(data, found)
            name = canonical(rows)
            if name not in margins:
                margins[name] = global_margin(data).value
            recovered = margins[name] == pytest.approx(1 / math.sqrt(24), rel=1e-6)
            assert found.feasible == recovered
            verdicts.append(found.feasible)
    assert len(verdicts) == 255
    assert 0 < sum(verdicts) < 255


def test_multipliers_prove_what_every_extreme_ray_says():
    data = sparse_parity(3, n=6, seed=2)
    program = _recovery._conditions(*_recovery.parity_signs(data, (0, 1)))
    rng = np.random.default_rng(1)
    for _ in range(20):
        y = rng.standard_normal(len(program.b))
        highest = -math.inf
        for i in range(data.n):
            parts = np.flatnonzero(program.owner == i)
            for chosen in itertools.product((0.0, 1.0), repeat=len(parts)):
                z = np.zeros(program.A.shape[1])
                z[i], z[data.n + parts] = 1.0, chosen
                highest = max(highest, y @ program.A @ z)
        assert _recovery.proven(program, y, data.n) == pytest.approx(y @ program.b - highest)


@pytest.mark.parametrize("d", [8, 24])
def test_few_samples_fail_and_many_pass(d):
    few, many = (sparse_parity(d, n=n, seed=1) for n in (d, 8 * d))
    failed, passed = parity_recovery(few), parity_recovery(many)
    assert not failed.feasible
    refuted_by_hand(few, failed)
    assert passed.feasible
    met_by_hand(many, passed)
    assert passed.excess == 0
    assert failed.q is None


def test_the_whole_cube_passes_with_any_pair():
    data = sparse_parity(4)
    swapped = Dataset(data.X[:, [2, 0, 3, 1]], data.y)  # the pair is now 1 and 3
    found = parity_recovery(swapped, pair=(3, 1))
    assert found.feasible
    met_by_hand(swapped, found, (3, 1))
    two = parity_recovery(sparse_parity(2))
    assert two.feasible
    assert two.q.tolist() == pytest.approx([0.25] * 4)


def test_a_quadrant_without_samples_fails():
    data = sparse_parity(3)
    kept = ~((data.X[:, 0] > 0) & (data.X[:, 1] < 0))
    found = parity_recovery(Dataset(data.X[kept], data.y[kept]))
    assert not found.feasible
    only = Dataset(data.X[:1], data.y[:1])
    refuted_by_hand(only, parity_recovery(only))


def test_what_is_no_parity_is_named():
    data = sparse_parity(3)
    with pytest.raises(ValueError, match=r"y\[0\] = -1; expected the product"):
        parity_recovery(Dataset(data.X, -data.y))
    with pytest.raises(ValueError, match=r"X\[0\], no point of the cube"):
        parity_recovery(Dataset(data.X * 0.9, data.y))
    with pytest.raises(ValueError, match="two different coordinates"):
        parity_recovery(data, pair=(1, 1))
    with pytest.raises(TypeError, match="data is a str"):
        parity_recovery("cube")
