"""Streams: what they draw, from where, and what can be one."""

import math

import pytest
import torch

from lowrot.data import Dataset, Stream, parity_stream, sparse_parity
from lowrot.data._streams import as_stream

XOR = sparse_parity(2)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("d", "k"), [(2, 1), (6, 3)])
def test_parity_samples_are_points_of_the_cube_with_their_label(d, k):
    X, y = parity_stream(d, k).draw(0, 500, generator())
    assert torch.equal(X.abs(), torch.full((500, d), 1 / math.sqrt(d), dtype=torch.float64))
    assert torch.equal(y, X[:, :k].sign().prod(dim=1))
    assert len(X.unique(dim=0)) == 2**d


def test_samples_depend_on_the_generator_only():
    stream = parity_stream(5)
    first, same, other = (stream.draw(0, 40, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_the_population_is_the_cube_as_long_as_it_can_be_held():
    assert torch.equal(parity_stream(3).population.X, sparse_parity(3).X)
    assert parity_stream(16).population.n == 2**16
    assert parity_stream(17).population is None


def test_resampled_points_keep_their_labels_and_all_occur():
    data = Dataset([[0.1], [0.2], [0.3]], [1, -1, -1])
    stream = Stream.resampled(data)
    X, y = stream.draw(0, 3000, generator())
    assert torch.equal(y, torch.where(X[:, 0] == 0.1, 1.0, -1.0).double())
    counts = [int((X[:, 0] == x).sum()) for x in (0.1, 0.2, 0.3)]
    # Five standard deviations of a binomial.
    assert all(abs(count - 1000) < 5 * math.sqrt(3000 * 2 / 9) for count in counts)
    assert stream.population is data
    assert stream.name == "draws from 3 points"


def test_an_ordered_stream_gives_each_point_once():
    stream = Stream.ordered(XOR)
    parts = [stream.draw(start, count, generator()) for start, count in ((0, 3), (3, 1))]
    assert torch.equal(torch.cat([X for X, _ in parts]), XOR.X)
    assert torch.equal(torch.cat([y for _, y in parts]), XOR.y)
    assert stream.population is None
    with pytest.raises(ValueError, match="asks for 5 points in order; the data set has 4"):
        stream.draw(4, 1, generator())


def test_streams_data_sets_and_functions_are_streams():
    stream = parity_stream(2)
    assert as_stream(stream) is stream
    assert as_stream(XOR).population is XOR
    assert as_stream(stream.draw).draw is stream.draw
    with pytest.raises(TypeError, match="stream is 3; expected a Stream"):
        as_stream(3)


def test_a_stream_compares_and_hashes():
    stream = Stream.resampled(XOR)
    assert stream == stream
    assert stream != Stream.resampled(XOR)
    assert len({stream, stream}) == 1


@pytest.mark.parametrize("arguments", [(0,), (3, 4), (3, 0)])
def test_parity_streams_refuse(arguments):
    with pytest.raises(ValueError):
        parity_stream(*arguments)


def test_draws_belong_to_who_draws():
    data = Dataset([[0.6, 0.8], [1.0, 0.0]], [1, 1])
    for stream in (Stream.ordered(data), Stream.resampled(data)):
        X, y = stream.draw(0, 2, torch.Generator().manual_seed(0))
        X.zero_()
        y.zero_()
        assert (data.X.tolist(), data.y.tolist()) == ([[0.6, 0.8], [1.0, 0.0]], [1.0, 1.0])
