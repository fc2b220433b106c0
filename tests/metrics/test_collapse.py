"""Neural-collapse metrics against their definitions, on features known by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lowrot import Dataset, Network, collapse_metrics, collapsed_groups, standard


def by_definition(h, sets, a, labels):
    """NC1 to NC3 with matrices and a pseudoinverse, equal weight for every set."""
    means = np.array([h[s].mean(axis=0) for s in sets])
    centre = means.mean(axis=0)
    count, m = means.shape
    W = sum(np.cov(h[s].T, bias=True).reshape(m, m) for s in sets) / count
    B = sum(np.outer(u, u) for u in means - centre) / count
    lengths = np.linalg.norm(means - centre, axis=1)
    cosines = [
        (means[i] - centre) @ (means[j] - centre) / lengths[i] / lengths[j]
        for i in range(count)
        for j in range(i)
    ]
    delta = means[labels > 0].mean(axis=0) - means[labels < 0].mean(axis=0)
    return (
        np.trace(W @ np.linalg.pinv(B, rcond=1e-10)) / count,
        np.trace(W) / np.trace(B),
        lengths.std() / lengths.mean(),
        np.abs(np.array(cosines) + 1 / (count - 1)).mean(),
        np.linalg.norm(a / np.linalg.norm(a) - delta / np.linalg.norm(delta)),
    )


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("by", ["groups", "classes"])
@pytest.mark.parametrize("rays", [False, True])
def test_the_metrics_are_their_definitions(slope, by, rays):
    data = collapsed_groups(4, 5, sizes=[3, 5, 8, 4], spread=0.15, labels=[1, 1, -1, 1])
    net = standard(7, 5, seed=2, slope=slope)
    z = data.X @ net.V.T
    h = torch.maximum(z, slope * z).numpy()
    if rays:
        h = h / np.linalg.norm(h, axis=1, keepdims=True)
    names = (data.groups if by == "groups" else data.y).numpy()
    sets = [names == name for name in np.unique(names)]
    labels = np.array([data.y.numpy()[s][0] for s in sets])
    found = collapse_metrics(net, data, by=by, rays=rays)
    expected = by_definition(h, sets, net.a.numpy(), labels)
    assert tuple(vars(found).values()) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def collapsed(r=3):
    """Groups along the axes with one neuron each: features of a group are one point."""
    data = collapsed_groups(r, r, sizes=3, spread=0.0, blocks=r)
    return Network(0.5 * data.y[::3], torch.eye(r, dtype=torch.float64)), data


def test_collapse_is_recognized():
    for r in (2, 3, 6):
        found = collapse_metrics(*collapsed(r))
        assert found.within == found.variability == pytest.approx(0, abs=1e-12)
        assert found.norms == pytest.approx(0, abs=1e-12)
        assert found.angles == pytest.approx(0, abs=1e-12)
    assert collapse_metrics(*collapsed(2)).duality == pytest.approx(0, abs=1e-12)
    net, data = collapsed(4)
    assert collapse_metrics(net, data).duality == pytest.approx(0, abs=1e-12)
    # Classes of two groups each have not collapsed; NC1 does not see it, as they differ in a
    # direction in which the classes do not.
    classes = collapse_metrics(net, data, by="classes")
    assert classes.within == pytest.approx(0, abs=1e-12)
    assert classes.variability == pytest.approx(0.5 / 0.25)


def test_each_metric_sees_its_own_deviation():
    net, data = collapsed(4)
    good = collapse_metrics(net, data)
    longer = Network(net.a, net.V * torch.tensor([2.0, 1, 1, 1], dtype=torch.float64)[:, None])
    assert collapse_metrics(longer, data).norms > 0.1 > good.norms
    tilted = net.V.clone()
    tilted[1, 0] = 0.8
    assert collapse_metrics(Network(net.a, tilted), data).angles > 0.05 > good.angles
    assert collapse_metrics(Network(-net.a, net.V), data).duality == pytest.approx(2)


def test_a_ray_is_not_a_point():
    X = torch.tensor([[1.0, 0.0], [0.5, 0.0], [0.0, 1.0], [0.0, 0.25]], dtype=torch.float64)
    data = Dataset(X, [1, 1, -1, -1], [0, 0, 1, 1])
    net = Network([1.0, -1.0], torch.eye(2).double())
    assert collapse_metrics(net, data).within > 0.05
    assert collapse_metrics(net, data, rays=True).within == pytest.approx(0, abs=1e-15)


def test_one_label_has_no_duality():
    net, data = collapsed(3)
    assert math.isnan(collapse_metrics(net, replace(data, y=torch.ones(9).double())).duality)


def test_what_has_no_metrics_is_refused():
    net, data = collapsed(3)
    with pytest.raises(ValueError, match="has no groups"):
        collapse_metrics(net, replace(data, groups=None))
    with pytest.raises(ValueError, match="1 set by classes"):
        collapse_metrics(net, replace(data, y=torch.ones(9).double()), by="classes")
    with pytest.raises(ValueError, match="group 0 has points of both labels"):
        collapse_metrics(net, replace(data, groups=[0] * 5 + [1] * 4))
    with pytest.raises(ValueError, match="by is 'points'"):
        collapse_metrics(net, data, by="points")
    with pytest.raises(ValueError, match="equal mean features"):
        collapse_metrics(Network([1.0], [[-1.0, -1.0, -1.0]]), data)
    with pytest.raises(ValueError, match="net has d = 2; expected 3"):
        collapse_metrics(standard(4, 2), data)


@pytest.mark.parametrize("apart", [0.1, 1e-3])
def test_a_direction_in_which_means_hardly_differ_counts(apart):
    # NC1 weighs a direction by the inverse of what the means differ in it, however little.
    X = [[0.9, 0.1], [0.8, 0.1], [0.1, 0.7], [0.1, 0.6], [0.1 + apart, 0.7], [0.1, 0.6 + apart]]
    data = Dataset(X, [1, 1, -1, -1, -1, -1], [0, 0, 1, 1, 2, 2])
    net = Network([1.0, -1.0], [[1.0, 0.0], [0.0, 1.0]])
    sets = [data.groups.numpy() == k for k in range(3)]
    expected = by_definition(data.X.numpy(), sets, net.a.numpy(), np.array([1, -1, -1]))
    found = collapse_metrics(net, data)
    assert tuple(vars(found).values()) == pytest.approx(expected, rel=1e-6)
    assert found.within > (1e3 if apart == 1e-3 else 0.1)
