"""Theorem R and Lemma S: exact means, adversarial directions, networks near the target."""

import itertools
import math

import pytest
import torch

from lowrot import Dataset, Network, balanced, global_margin, metrics, sparse_parity, standard
from lowrot.theorems import _parity_features as features
from lowrot.theorems import leave_one_out, margin_samples, recovery, recovery_samples


def target(d, pair=(0, 1), extra=None):
    """The four neurons of the target, and others."""
    V = torch.zeros(4, d, dtype=torch.float64)
    a = torch.empty(4, dtype=torch.float64)
    for k, (s, t) in enumerate(itertools.product((1.0, -1.0), repeat=2)):
        V[k, pair[0]], V[k, pair[1]], a[k] = s, t, s * t
    if extra is not None:
        V, a = torch.cat([V, extra.V]), torch.cat([a, extra.a])
    return Network(a, V)


def unit(n, d, seed):
    V = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return V / V.norm(dim=1, keepdim=True)


@pytest.mark.parametrize("d", [2, 3, 4, 7])
@pytest.mark.parametrize("pair", [(0, 1), (1, 0)])
def test_mean_features_are_means_over_the_cube(d, pair, monkeypatch):
    V, X = unit(9, d, d), sparse_parity(d).X
    chi = d * X[:, pair[0]] * X[:, pair[1]]
    expected = (chi[:, None] * torch.relu(X @ V.T)).mean(dim=0)
    assert torch.allclose(features.mean_features(V, pair), expected, atol=1e-15)
    monkeypatch.setattr(features, "_CHUNK_ENTRIES", 30)
    assert torch.allclose(features.mean_features(V, pair), expected, atol=1e-15)


def lemma_s(V, pair=(0, 1)):
    """The slack of Lemma S over gamma_gl delta: what is left of it per distance."""
    gamma = 1 / math.sqrt(8 * V.shape[1])
    delta = features.distances(V, pair)
    return (gamma * (1 - delta / 2) - features.mean_features(V, pair).abs()) / (gamma * delta)


@pytest.mark.parametrize("d", [2, 3, 4, 5, 8, 11])
def test_lemma_s_for_random_and_adversarial_directions(d):
    V = unit(3000, d, d)
    near = features.nearest(V, (0, 1))
    for size in (1.0, 0.3, 0.03, 1e-3):
        moved = near + size * unit(3000, d, d + 1)
        assert float(lemma_s(moved / moved.norm(dim=1, keepdim=True)).min()) >= -1e-9
    assert float(lemma_s(V).min()) >= -1e-12
    # Down the slack, from the worst of the starts.
    generator = torch.Generator().manual_seed(0)
    V = V[lemma_s(V).argsort()[:60]]
    size = torch.full((len(V), 1), 0.3, dtype=torch.float64)
    for _ in range(400):
        step = torch.randn(V.shape, generator=generator, dtype=torch.float64)
        moved = V + size * step
        moved = moved / moved.norm(dim=1, keepdim=True)
        better = (lemma_s(moved) < lemma_s(V))[:, None]
        V, size = torch.where(better, moved, V), torch.where(better, size, 0.97 * size)
    assert float(lemma_s(V).min()) >= -1e-9


def test_lemma_s_is_sharp_from_four_dimensions_on():
    """Along (x_3 + x_4)/sqrt 2, close to the target, nothing is left of it; 1/2 + c would fail."""
    for d, sharp in ((3, False), (4, True), (9, True)):
        away = torch.zeros(d, dtype=torch.float64)
        away[2:4] = 1 / math.sqrt(2) if d > 3 else 1.0
        V = torch.zeros(1, d, dtype=torch.float64)
        V[0, :2] = 1 / math.sqrt(2)
        V = V + 1e-3 * away / away.norm()
        left = float(lemma_s(V / V.norm()))
        assert (left < 2e-3) == sharp
        assert left >= -1e-9


def test_numbers_of_the_theorem():
    assert recovery_samples(10) / 10 == pytest.approx(1290, abs=2)
    assert recovery_samples(10, part=0.25) / 10 == pytest.approx(5160, abs=6)
    assert recovery(sparse_parity(2)).n_eff == 4.0
    data = sparse_parity(6)
    repeated = Dataset(data.X.repeat(130, 1), data.y.repeat(130))
    theorem = recovery(repeated)
    assert theorem.n_eff == pytest.approx(130 * 64)
    assert theorem.holds
    assert theorem.failure(theorem.gamma_gl / 2) == pytest.approx(
        2 * math.exp(-((math.sqrt(130 * 64 / (32 * 6)) - 3.63) ** 2) / 2)
    )
    # One sample short of the promise, it does not hold.
    few = repeated.X[: int(recovery_samples(6)) - 64], repeated.y[: int(recovery_samples(6)) - 64]
    assert not recovery(Dataset(*few)).holds
    # Rounding of 8320 terms (1e-14) over the least distance (1e-4).
    assert theorem.deviation(starts=4)[0] < 1e-10
    assert theorem.error_bound([0.0, 0.01, 0.2, 1.0]).tolist() == pytest.approx(
        [0.0, 0.0128 / 0.9025, 1.0, 1.0]
    )
    # Beside it: leave-one-out of K_2 and of the tangent kernel, and the margin bound.
    for ratio, slope in ((8 * 7 / 2, 10 * 8 * 7), (math.pi * 64, 62.8 * 64)):
        assert leave_one_out(ratio, round(slope)) == pytest.approx(0.05, rel=1e-2)
    half = 1 / math.sqrt(8 * 10) / 2
    assert margin_samples(half, 0.05, delta=1.0, fixed=True) == pytest.approx(28_800 * 10, rel=1e-3)


def test_quadrants_of_unequal_counts():
    data = sparse_parity(3)
    at = [0, 0, 0, 2, 4, 4, 6]  # three, one, two, one
    theorem = recovery(Dataset(data.X[at], data.y[at]))
    assert theorem.counts.tolist() == [3, 1, 2, 1]
    assert theorem.n_eff == pytest.approx(16 / (1 / 3 + 1 + 1 / 2 + 1))
    assert theorem.q.tolist() == pytest.approx([1 / 12] * 3 + [1 / 4] + [1 / 8] * 2 + [1 / 4])
    lacking = recovery(Dataset(data.X[:4], data.y[:4]))
    assert (lacking.n_eff, lacking.counts.tolist()) == (0.0, [2, 2, 0, 0])
    assert [hypothesis.holds for hypothesis in lacking.hypotheses] == [False, False]


def test_the_search_finds_what_a_fine_net_sees():
    data = sparse_parity(3, n=20, seed=3)
    theorem = recovery(data)
    found, v = theorem.deviation(seed=0)
    V = unit(40_000, 3, 0)
    q, delta = theorem.q, features.distances(V, (0, 1))
    off = (q * data.y) @ torch.relu(data.X @ V.T) - features.mean_features(V, (0, 1))
    seen = float((off.abs() / delta)[delta > 1e-2].max())
    assert seen <= found * (1 + 1e-9)
    assert found <= 1.02 * seen
    assert float(v.norm()) == pytest.approx(1)


def test_a_small_deviation_means_recovery():
    """(i) where D is below gamma_gl/2 as far as can be seen, the margin is that of the cube."""
    met = 0
    for seed in range(6):
        data = sparse_parity(4, n=70, seed=seed)
        theorem = recovery(data)
        if theorem.deviation(starts=16)[0] < theorem.gamma_gl / 2:
            met += 1
            assert global_margin(data).value == pytest.approx(theorem.gamma_gl, rel=1e-6)
    assert met >= 2


@pytest.mark.parametrize("seed", range(4))
def test_each_inequality_of_the_proof_on_networks(seed):
    data = sparse_parity(5, n=3000, seed=seed)
    theorem = recovery(data)
    exact = theorem.check(target(5))
    assert exact.holds
    assert exact.slack["error <= its bound"] == pytest.approx(0, abs=1e-9)
    seen = 0
    for size in (0.0, 1e-3, 1e-2, 0.1):
        extra = balanced(20, 5, seed=seed)
        extra = Network(size * extra.a, extra.V)
        check = theorem.check(target(5, extra=extra))
        assert check.holds
        seen += "error <= its bound" in check.slack
    assert seen >= 3
    assert theorem.check(standard(30, 5, seed=seed)).holds
    few = recovery(sparse_parity(5, n=12, seed=seed))
    assert few.check(standard(30, 5, seed=seed)).holds


def test_lemma_s_as_the_check_shows_it():
    """Beside a direction where it is sharp: nothing less than delta/2 would be below."""
    theorem = recovery(sparse_parity(5, n=50, seed=0))
    V = torch.zeros(1, 5, dtype=torch.float64)
    V[0, :2], V[0, 2:4] = 1.0, 0.01
    check = theorem.check(Network([1.0], V))
    delta, limit = float(check.frame.delta[0]), float(check.frame.limit[0])
    assert 0 <= check.slack["Lemma S"] < 0.01 * (theorem.gamma_gl - limit)
    assert delta == pytest.approx(0.01, rel=1e-2)


def test_the_check_fails_where_a_hypothesis_does():
    """With a margin that is not the cube's, the inequalities must break."""
    data = sparse_parity(5, n=3000, seed=0)
    theorem = recovery(data)
    theorem.gamma_gl *= 0.9
    check = theorem.check(target(5))
    assert not check.holds
    assert check.slack["Lemma S"] < 0


def test_another_pair_is_the_same_theorem():
    data = sparse_parity(4, n=40, seed=1)
    moved = Dataset(data.X[:, [2, 1, 3, 0]], data.y)  # coordinates 0 and 1 are at 3 and 1
    one, other = recovery(data), recovery(moved, pair=(3, 1))
    assert one.n_eff == other.n_eff
    assert one.deviation()[0] == pytest.approx(other.deviation()[0], rel=0.05)
    assert other.check(target(4, (3, 1))).holds
    assert metrics.test_error(target(4, (3, 1)), 4, pair=(3, 1)) == 0.0


def test_arguments_that_do_not_fit_are_named():
    theorem = recovery(sparse_parity(3))
    with pytest.raises(ValueError, match="kappa is"):
        theorem.error_bound(-0.1)
    with pytest.raises(ValueError, match=r"net has slope 0\.5"):
        theorem.check(Network(target(3).a, target(3).V, 0.5))
    with pytest.raises(ValueError, match="net is zero"):
        theorem.check(Network([0.0], [[1.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match="data has d = 3; expected 4"):
        theorem.check(target(4))
    with pytest.raises(ValueError, match="expected d <= 14"):
        recovery(sparse_parity(15, n=8)).deviation()
    with pytest.raises(ValueError, match="the whole cube is visited"):
        features.mean_features(unit(1, 21, 0), (0, 1))
    with pytest.raises(ValueError, match="no point of the cube"):
        recovery(Dataset([[0.6, 0.6]], [1]))
    with pytest.raises(TypeError, match="data is a str"):
        recovery("cube")
