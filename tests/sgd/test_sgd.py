"""One-pass SGD: steps by hand and by autograd, batches and single runs, exact errors."""

import math

import numpy as np
import pytest
import torch

import lowrot.sgd._batch as engine
from lowrot import (
    Dataset,
    Network,
    Stream,
    one_pass_sgd,
    parity_stream,
    sparse_parity,
    standard,
)
from lowrot.path import Path
from lowrot.sgd._sgd import _counts

XOR = sparse_parity(2)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def by_hand(net, data, eta, update):
    """One step a point by autograd; returns the last network, and p and ``||grad p||`` a step."""
    a, V = net.a.clone().requires_grad_(), net.V.clone().requires_grad_()
    p_s, sizes = [], []
    for x, y in zip(data.X, data.y, strict=True):
        z = V @ x
        p = y * torch.maximum(z, net.slope * z) @ a
        p_s.append(p.item())
        sizes.append(math.sqrt(sum(float(g.square().sum()) for g in torch.autograd.grad(
            p, (a, V), retain_graph=True))))  # fmt: skip
        if update == "logistic":
            loss = torch.nn.functional.softplus(-p)
        else:
            loss = -p if p.item() <= 0 else 0.0 * p
        grads = torch.autograd.grad(loss, (a, V))
        with torch.no_grad():
            a, V = a - eta * grads[0], V - eta * grads[1]
        a.requires_grad_()
        V.requires_grad_()
    return Network(a.detach(), V.detach(), net.slope), p_s, sizes


def test_two_steps_in_numbers():
    # a = 1, v = (2, 0); x = (1, 0), y = +1: p = 2, grad p = (2, (1, 0)), lam = 1/(1 + e^2).
    net = Network(tensor([1.0]), tensor([[2.0, 0.0]]))
    data = Dataset(tensor([[1.0, 0.0], [1.0, 0.0]]), [1, -1])
    runs = one_pass_sgd(net, Stream.ordered(data), samples=2, eta=0.5, records=[0, 1, 2], keep=True)
    c = 0.5 / (1 + math.exp(2))
    a, v = 1 + 2 * c, 2 + c
    assert runs.paths[0]["a"][1].tolist() == pytest.approx([a])
    assert runs.paths[0]["V"][1].ravel().tolist() == pytest.approx([v, 0.0])
    assert runs.paths[0]["rho"][1] == pytest.approx(math.sqrt(5) * c)
    assert runs.paths[0]["tau"][1] == pytest.approx(c)
    # Second sample: p = -a v, lam = 1/(1 + e^{-a v}), grad p = -(v, a).
    k = 0.5 / (1 + math.exp(-a * v))
    assert runs.end(0).a.item() == pytest.approx(a - k * v)
    assert runs.end(0).V[0, 0].item() == pytest.approx(v - k * a)
    assert runs.margins[0].tolist() == pytest.approx([2.0, -a * v])
    assert runs.paths[0]["mistakes"].tolist() == [0.0, 0.0, 1.0]
    assert runs.paths[0]["sum_lam"][-1] == pytest.approx(2 * (c + k))
    assert runs.paths[0]["largest_gradient"].tolist() == pytest.approx(
        [0.0, math.sqrt(5), max(math.sqrt(5), math.hypot(a, v))]
    )


def test_the_perceptron_moves_on_mistakes_only():
    net = Network(tensor([1.0]), tensor([[2.0, 0.0]]))
    data = Dataset(tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]), [1, -1, 1])
    runs = one_pass_sgd(
        net,
        Stream.ordered(data),
        samples=3,
        eta=0.25,
        update="perceptron",
        records=[1, 2, 3],
        keep=True,
    )
    path = runs.paths[0]
    assert path["a"].ravel().tolist() == [1.0, 1.0, 0.5, 0.5]  # -0.25 v, then nothing
    assert path["V"][:, 0, 0].tolist() == [2.0, 2.0, 1.75, 1.75]  # -0.25 a
    # The third point has p = 0 (inactive): a mistake, whose left gradient is zero.
    assert path["mistakes"].tolist() == path["sum_lam"].tolist() == [0.0, 0.0, 1.0, 2.0]


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_at_a_kink_the_left_derivative_is_taken(slope):
    net = Network(tensor([1.0]), tensor([[2.0, 0.0]]), slope)
    data = Dataset(tensor([[0.0, 1.0]]), [-1])
    runs = one_pass_sgd(net, Stream.ordered(data), samples=1, eta=0.5)
    assert runs.V[0].tolist() == [[2.0, -0.25 * slope]]
    assert runs.a[0].tolist() == [1.0]


@pytest.mark.parametrize("slope", [0.0, 0.3])
@pytest.mark.parametrize("update", ["logistic", "perceptron"])
def test_steps_equal_autograd(update, slope):
    net, cube = standard(17, 5, seed=3, slope=slope), sparse_parity(5, n=40, seed=1)
    data = Dataset(cube.X * torch.linspace(0.2, 1.0, 40).double()[:, None], cube.y)
    runs = one_pass_sgd(net, Stream.ordered(data), samples=40, eta=0.7, update=update)
    end, p, sizes = by_hand(net, data, 0.7, update)
    torch.testing.assert_close(runs.end(0).a, end.a, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(runs.end(0).V, end.V, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(runs.margins[0].numpy(), p, rtol=1e-10, atol=1e-12)
    assert runs.paths[0]["largest_gradient"][-1] == pytest.approx(max(sizes), rel=1e-12)
    assert runs.paths[0]["mistakes"][-1] == sum(value <= 0 for value in p)
    assert runs.paths[0].ok


@pytest.mark.parametrize("update", ["logistic", "perceptron"])
def test_a_batch_equals_its_single_runs(update):
    stream, seeds, etas = parity_stream(4), [5, 6, 7], [0.5, 0.1, 0.02]
    nets = [standard(33, 4, seed=s) for s in range(3)]
    batch = one_pass_sgd(
        nets, stream, samples=1500, eta=etas, update=update, seeds=seeds, keep=True
    )
    for run in range(3):
        single = one_pass_sgd(
            nets[run],
            stream,
            samples=1500,
            eta=etas[run],
            update=update,
            seeds=seeds[run],
            keep=True,
        )
        assert torch.equal(single.drawn[0].X, batch.drawn[run].X)
        for name in ("a", "V", "tau", "mistakes", "rho", "test_error", "test_lam"):
            np.testing.assert_allclose(
                batch.paths[run][name], single.paths[0][name], rtol=1e-9, atol=1e-9
            )
        torch.testing.assert_close(batch.margins[run], single.margins[0], rtol=1e-9, atol=1e-9)
        assert batch.paths[run].meta == single.paths[0].meta
    assert len(batch) == 3
    frame = batch.frame()
    assert sorted(frame.eta.unique()) == sorted(etas)
    assert len(frame) == 3 * len(batch.paths[0])


def test_single_values_serve_all_runs():
    net, stream = standard(8, 2), parity_stream(2)
    runs = one_pass_sgd(net, stream, samples=10, eta=0.1, seeds=range(4))
    assert len(runs) == 4
    assert all(torch.equal(start.a, net.a) for start in runs.start)
    assert len({tuple(m.tolist()) for m in runs.margins}) == 4
    assert len(one_pass_sgd(net, stream, samples=10, eta=[0.1, 0.2], seeds=[3])) == 2


@pytest.mark.parametrize("d", [2, 5])
def test_errors_are_those_of_the_whole_cube(d):
    net, stream = standard(20, d, seed=1), parity_stream(d)
    runs = one_pass_sgd(net, stream, samples=300, eta=0.2, seeds=[0], keep=True)
    cube, path = sparse_parity(d), runs.paths[0]
    for a, V, error, lam in zip(path["a"], path["V"], path["test_error"], path["test_lam"]):
        f = np.maximum(cube.X.numpy() @ V.T, 0.0) @ a
        p = cube.y.numpy() * f
        assert error == np.mean(p <= 0)
        assert lam == pytest.approx(np.mean(1 / (1 + np.exp(p))), rel=1e-12)
    assert {0.0, 1.0, 300.0} <= set(path["samples"])


def test_a_margin_of_zero_is_an_error():
    net = Network(tensor([0.0]), tensor([[1.0, 0.0]]))
    path = one_pass_sgd(net, parity_stream(2), samples=1, eta=0.1).paths[0]
    assert path["test_error"][0] == 1.0
    assert path["test_lam"][0] == 0.5
    assert (
        one_pass_sgd(net, XOR, samples=1, eta=0.1, update="perceptron").paths[0]["test_lam"][0]
        == 1.0
    )


def test_scalars_are_those_of_the_kept_weights():
    net = standard(20, 3, seed=1)
    path = one_pass_sgd(net, parity_stream(3), samples=200, eta=0.3, keep=True).paths[0]
    a, V = path["a"], path["V"]
    moved = np.sqrt(((a - a[0]) ** 2).sum(1) + ((V - V[0]) ** 2).sum((1, 2)))
    np.testing.assert_allclose(path["rho"], moved, rtol=1e-12)
    np.testing.assert_allclose(path["norm_a"], np.linalg.norm(a, axis=1), rtol=1e-12)
    np.testing.assert_allclose(path["norm_V"], np.sqrt((V**2).sum((1, 2))), rtol=1e-12)
    np.testing.assert_allclose(path["norm_squared"], (a**2).sum(1) + (V**2).sum((1, 2)))
    np.testing.assert_allclose(path["tau"], 0.3 * path["sum_lam"], rtol=1e-12)


def test_streams_draw_what_they_say():
    stream, g = parity_stream(6, 3), torch.Generator().manual_seed(0)
    X, y = stream.draw(0, 4000, g)
    assert torch.equal(y, (X[:, :3] * math.sqrt(6)).prod(1).round())
    assert float(X.mean(0).abs().max()) < 4 / math.sqrt(6 * 4000)
    assert stream.population.n == 64
    assert torch.equal(stream.population.X, sparse_parity(6, 3).X)
    assert torch.equal(stream.population.y, sparse_parity(6, 3).y)
    assert parity_stream(17).population is None
    ordered = one_pass_sgd(standard(4, 2), Stream.ordered(XOR), samples=4, eta=0.1)
    assert torch.equal(ordered.drawn[0].X, XOR.X)
    assert math.isnan(ordered.paths[0]["test_error"][0])
    drawn = one_pass_sgd(standard(4, 2), XOR, samples=800, eta=0.1)
    assert drawn.paths[0].meta["stream"].startswith("draws from 2-sparse parity")
    index = (drawn.drawn[0].X[:, None] == XOR.X[None]).all(2).double().mean(0)
    assert float((index - 0.25).abs().max()) < 4 * math.sqrt(0.1875 / 800)
    assert drawn.paths[0]["test_error"][0] in (0.0, 0.25, 0.5, 0.75, 1.0)


@pytest.mark.parametrize("samples", [1, 7, 1000, 20_000])
def test_records_are_about_eight_a_decade(samples):
    counts = np.array(_counts(None, samples))
    assert counts[:2].tolist() == [0, 1]
    assert counts[-1] == samples
    assert (np.diff(counts) > 0).all()
    late = counts[counts >= 10]
    ratios = late[1:] / late[:-1]
    assert all(1.2 < ratio < 1.5 for ratio in ratios)  # 10^(1/8) = 1.33


def test_a_longer_run_begins_like_a_shorter_one():
    net, stream = standard(8, 3), parity_stream(3)
    short = one_pass_sgd(net, stream, samples=1100, eta=0.1, seeds=2)
    long = one_pass_sgd(net, stream, samples=2100, eta=0.1, seeds=2, records=[1100])
    assert torch.equal(short.margins[0], long.margins[0][:1100])
    assert short.paths[0]["rho"][-1] == long.paths[0]["rho"][1]


def test_a_function_is_a_stream_and_may_have_other_test_points():
    def draw(start, count, generator):
        return XOR.X[(start + torch.arange(count)) % 4], XOR.y[(start + torch.arange(count)) % 4]

    runs = one_pass_sgd(standard(30, 2), draw, samples=8, eta=0.1, test=XOR)
    assert torch.equal(runs.drawn[0].X, XOR.X.repeat(2, 1))
    assert runs.paths[0]["test_error"][-1] <= 1.0


def test_an_interrupt_returns_the_runs_so_far(monkeypatch):
    stream, net, stops = parity_stream(3), standard(12, 3), iter(range(100))
    whole = one_pass_sgd(net, stream, samples=50, eta=0.2, records=range(51))
    step = engine.Batch._step

    def interrupted(self):
        if next(stops) == 20:
            raise KeyboardInterrupt
        step(self)

    monkeypatch.setattr(engine.Batch, "_step", interrupted)
    runs = one_pass_sgd(net, stream, samples=50, eta=0.2)
    assert "interrupted after 20 of 50 samples" in runs.status
    assert runs.paths[0].ok
    assert runs.paths[0]["samples"][-1] == runs.drawn[0].n == runs.margins.shape[1] == 20
    assert runs.paths[0]["rho"][-1] == whole.paths[0]["rho"][20]

    # Before the first sample there is nothing to return.
    stops = iter([20])
    with pytest.raises(KeyboardInterrupt):
        one_pass_sgd(net, stream, samples=50, eta=0.2)

    # Within a step: nothing of it is kept.
    stops = iter(range(100))
    monkeypatch.setattr(engine.Batch, "_step", step)
    addcmul, calls = torch.addcmul, iter(range(100))

    def torn(*arguments, **options):
        if next(calls) == 2 * 7 + 1:  # after the outer weights, before the inner
            raise KeyboardInterrupt
        return addcmul(*arguments, **options)

    monkeypatch.setattr(torch, "addcmul", torn)
    runs = one_pass_sgd(net, stream, samples=50, eta=0.2, records=[50])
    assert runs.paths[0]["samples"][-1] == 7
    assert runs.paths[0]["rho"][-1] == whole.paths[0]["rho"][7]
    assert runs.paths[0].ok


def test_drawn_samples_do_not_keep_the_batch_alive():
    runs = one_pass_sgd(standard(4, 3), parity_stream(3), samples=50, eta=0.2, seeds=range(10))
    for sample in runs.drawn:
        assert sample.X.untyped_storage().nbytes() == 50 * 3 * 8


def test_the_certificate_sees_wrong_steps(monkeypatch):
    net, stream = standard(12, 3), parity_stream(3)
    assert (
        one_pass_sgd(net, stream, samples=30, eta=0.2).paths[0].certificates["norm"].value < 1e-14
    )
    addcmul = torch.addcmul

    def wrong(start, first, second, out):
        return addcmul(start, first, 1.001 * second, out=out)

    monkeypatch.setattr(torch, "addcmul", wrong)
    runs = one_pass_sgd(net, stream, samples=30, eta=0.2)
    assert not runs.paths[0].ok
    assert "norm" in runs.status


def test_a_diverging_run_says_so():
    net = standard(12, 3)
    runs = one_pass_sgd(net, parity_stream(3), samples=2000, eta=[1e200, 0.1])
    assert [path.ok for path in runs.paths] == [False, True]
    assert "took 2000 samples; NOT certified: norm = inf" in runs.status
    assert math.isnan(runs.paths[0]["test_error"][-1])
    with pytest.raises(ValueError, match="expected finite numbers"):
        runs.end(0)
    assert runs.end(1).m == 12
    alone = one_pass_sgd(net, parity_stream(3), samples=9000, eta=1e200)
    assert "no run is finite after 1024 samples" in alone.status


def test_progress_is_printed(capsys, monkeypatch):
    clock = iter(np.arange(0.0, 1e4, 1.5))
    monkeypatch.setattr(engine.time, "perf_counter", lambda: next(clock))
    one_pass_sgd(standard(4, 2), parity_stream(2), samples=10, eta=0.1, progress=True)
    assert "samples" in capsys.readouterr().out


def test_paths_are_saved_and_loaded(tmp_path):
    path = one_pass_sgd(standard(4, 2), parity_stream(2), samples=10, eta=0.1, keep=True).paths[0]
    path.save(tmp_path / "run")
    assert np.array_equal(Path.load(tmp_path / "run")["V"], path["V"])


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"samples": 0}, ValueError, "samples is 0"),
        ({"eta": -1.0}, ValueError, r"eta\[0\] is -1"),
        ({"eta": [0.1, math.nan]}, ValueError, r"eta\[1\]"),
        ({"update": "adam"}, ValueError, "update is 'adam'"),
        ({"seeds": [1, 2], "eta": [0.1] * 3}, ValueError, "seeds has 2 entries; expected 1 or 3"),
        ({"seeds": -1}, ValueError, r"seeds\[0\] is -1"),
        ({"net": "net"}, TypeError, r"net\[0\] is 'net'"),
        ({"net": [standard(4, 3), standard(5, 3)]}, ValueError, r"net\[1\] has m, d = \(5, 3\)"),
        ({"net": [standard(4, 3), standard(4, 3, 0, 0.1)]}, ValueError, "slope 0.1"),
        ({"net": standard(4, 2)}, ValueError, "test has d = 3; expected 2"),
        ({"net": standard(4, 2), "test": XOR}, ValueError, "inputs of shape"),
        ({"stream": 3}, TypeError, "stream is 3"),
        (
            {"stream": lambda s, c, g: (torch.ones(c, 3).double(), torch.ones(c))},
            TypeError,
            "y has",
        ),
        ({"stream": lambda s, c, g: (XOR.X, XOR.y), "test": None}, ValueError, "inputs of shape"),
        ({"stream": Stream.ordered(sparse_parity(3, n=5))}, ValueError, "asks for 20 points"),
        ({"test": XOR}, ValueError, "test has d = 2"),
        ({"test": "XOR"}, TypeError, "test is a str; expected a Dataset"),
        ({"stream": lambda s, c, g: None}, TypeError, "stream drew None; expected .*a pair"),
        ({"stream": lambda s, c: None}, TypeError, r"stream is .*; expected a function draw\("),
        ({"net": Network([0.0], [[0.0] * 3])}, ValueError, r"net\[0\] is zero"),
        ({"keep": 1}, TypeError, "keep is 1; expected True or False"),
        ({"records": 5}, TypeError, "records is of type int; expected a list"),
        ({"records": [21]}, ValueError, r"records\[0\] is 21"),
    ],
)
def test_what_does_not_fit_is_named(changes, error, words):
    arguments = {"net": standard(4, 3), "stream": parity_stream(3), "samples": 20, "eta": 0.1}
    with pytest.raises(error, match=words):
        one_pass_sgd(**{**arguments, **changes})


def test_a_source_may_fill_the_same_memory_again():
    """Runs of the same source keep their own samples, not what the last draw left."""
    shared = torch.empty(50, 2, dtype=torch.float64)
    plain = parity_stream(2).draw

    def draw(start, count, generator):
        X, y = plain(start, count, generator)
        shared[:count] = X
        return shared[:count], y

    net = standard(3, 2, seed=0)
    options = {"samples": 50, "eta": 0.1, "seeds": [1, 2]}
    runs, wanted = (one_pass_sgd(net, source, **options) for source in (draw, plain))
    for run in (0, 1):
        assert runs.drawn[run].X.equal(wanted.drawn[run].X)
    assert runs.V.equal(wanted.V)
