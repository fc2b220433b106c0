"""The global margin beyond its cells: the search against the enumeration, both bounds rigorous."""

import math
import warnings

import numpy as np
import pytest
import torch

from lowrot import Dataset, sparse_parity
from lowrot._hyperplanes import distinct_hyperplanes
from lowrot.network import activation
from lowrot.optima import _global, global_margin, parity_recovery
from lowrot.optima._cell_problem import CellProblem
from lowrot.optima._searched_cells import SearchedProblem


@pytest.fixture
def few_cells(monkeypatch):
    """As if no arrangement could be enumerated: every problem is searched."""
    monkeypatch.setattr(_global, "CELL_LIMIT", 1)


@pytest.mark.parametrize("slope", [0.0, 0.3])
@pytest.mark.parametrize(("n", "d", "seed"), [(8, 2, 0), (7, 3, 1), (12, 3, 2), (9, 4, 3)])
def test_the_search_finds_what_the_enumeration_proves(n, d, seed, slope, instance, few_cells):
    data = instance(n, d, seed)
    found = global_margin(data, slope=slope, search=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_global, "CELL_LIMIT", 100_000)
        exact = global_margin(data, slope=slope, search=64)
    assert exact.certified
    assert exact.searched is None
    assert found.value == pytest.approx(exact.value, rel=1e-6)
    assert found.searched == pytest.approx(exact.value, rel=1e-6)
    assert found.upper >= exact.value * (1 - 1e-9)
    assert float(found.primal.margins(data).min()) == found.value
    assert found.primal.norm_squared == pytest.approx(2)


def test_prices_are_attained_and_nearly_the_largest(instance):
    data = instance(9, 3, 5)
    hyperplanes, y = distinct_hyperplanes(data.X.numpy()), data.y.numpy()
    every = CellProblem(hyperplanes, y, 0.1)
    searched = SearchedProblem(hyperplanes, y, 0.1, 64, 0)
    for seed in range(5):
        q = np.random.default_rng(seed).dirichlet(np.full(9, 0.5))
        found = searched.price(q, 1e-9)
        V = torch.as_tensor(found.directions @ hyperplanes.basis)
        values = (q * y) @ activation(data.X @ V.T, 0.1).numpy() * found.pairs.sign
        assert values.max() == pytest.approx(found.bound, rel=1e-9)
        assert found.bound == pytest.approx(every.price(q, 0.0).bound, rel=1e-7)
        # The directions named lie in (the closure of) the cells named.
        row = searched.orientation[found.pairs.cell]
        assert (row * (found.directions @ searched.normals.T)).min() > -1e-7


@pytest.mark.parametrize(("d", "n"), [(8, 60), (12, 80)])
def test_recovery_is_proved_beyond_the_cells(d, n):
    data = sparse_parity(d, n=n, seed=1)
    assert parity_recovery(data).feasible
    best = global_margin(data, search=64)
    assert best.certified
    assert best.value == pytest.approx(1 / math.sqrt(8 * d), rel=1e-6)


def test_a_gap_is_said_and_not_warned_of():
    data = sparse_parity(8, n=26, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best = global_margin(data, search=64)
    assert not best.certified
    assert best.gap > 1e-3
    assert best.value <= best.searched <= best.upper
    assert best.searched == pytest.approx(best.value, rel=1e-6)
    # A sample whose linear program fails has more than the margin of the cube, and vice versa.
    more = best.value > (1 + 1e-6) / math.sqrt(64)
    assert more == (not parity_recovery(data).feasible)
    again = global_margin(data, search=64)
    assert again.value == best.value
    assert torch.equal(again.dual, best.dual)


def test_the_message_names_the_search_and_it_is_checked(instance):
    data = instance(40, 6)
    with pytest.raises(ValueError, match="or search=64 for bounds that may leave a gap"):
        global_margin(data)
    with pytest.raises(ValueError, match="search is 0"):
        global_margin(data, search=0)
    with pytest.raises(TypeError, match=r"search is 1\.5"):
        global_margin(data, search=1.5)


def test_contradictory_labels_have_no_margin_with_a_search(few_cells):
    data = Dataset([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1, -1, 1])
    best = global_margin(data, search=16)
    assert best.value <= 1e-9
    assert not best.certified
