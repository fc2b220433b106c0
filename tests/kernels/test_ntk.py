"""The kernel of infinite width: integrals, wide networks, known values, digits near 0 and pi."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate

from lowrot import Network
from lowrot.kernels import ntk
from lowrot.network import activation, derivative


def by_quadrature(x, z, slope, block):
    """The expectations over the angle of v in the plane of x and z, E r^2 = 2 taken out."""
    theta = math.acos(x @ z / (np.linalg.norm(x) * np.linalg.norm(z)))
    s = lambda c: max(c, slope * c)  # noqa: E731
    jump = lambda c: 1.0 if c > 0 else slope  # noqa: E731
    kinks = sorted(
        {
            (at + k * math.pi) % (2 * math.pi)
            for at in (0.5 * math.pi, theta + 0.5 * math.pi)
            for k in (0, 1)
        }
    )

    def mean(function):
        value, _ = integrate.quad(
            lambda phi: function(math.cos(phi), math.cos(phi - theta)),
            0.0, 2 * math.pi, points=kinks, epsabs=1e-13, limit=200,
        )  # fmt: skip
        return value / (2 * math.pi)

    outer = 2 * np.linalg.norm(x) * np.linalg.norm(z) * mean(lambda a, b: s(a) * s(b))
    inner = x @ z * mean(lambda a, b: jump(a) * jump(b))
    return {"outer": outer, "inner": inner, "full": outer + inner}[block]


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("block", ["outer", "inner", "full"])
def test_against_the_integrals(slope, block, points):
    X, Z = points(4, 3), points(3, 3, 1)
    K = ntk(X, Z, block, slope=slope)
    for i in range(4):
        for j in range(3):
            expected = by_quadrature(X[i].numpy(), Z[j].numpy(), slope, block)
            assert float(K[i, j]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_wide_networks_have_nearly_this_kernel(slope, points):
    X, m = points(6, 4), 200_000
    generator = torch.Generator().manual_seed(1)
    V = torch.randn(m, 4, generator=generator, dtype=torch.float64)
    a = torch.randn(m, generator=generator, dtype=torch.float64)
    z = X @ V.T
    # The spread over neurons, from the samples themselves, says how near is near.
    terms = {
        "outer": activation(z, slope)[:, None] * activation(z, slope)[None],
        "inner": (a**2 * derivative(z, slope)[:, None] * derivative(z, slope)[None])
        * (X @ X.T)[:, :, None],
    }
    for block, layers in (("outer", "outer"), ("inner", "inner"), ("full", "both")):
        K = Network(a, V, slope).kernel(X, layers=layers, kink=None) / m
        spread = (terms["outer"] + terms["inner"] if block == "full" else terms[block]).std(dim=2)
        off = (K - ntk(X, block=block, slope=slope)).abs() / (spread / math.sqrt(m))
        assert float(off.max()) < 4.5


def test_arc_cosine_kernels_by_hand():
    X = torch.eye(2, dtype=torch.float64)
    X = torch.stack([X[0], X[1], -X[0], 2 * X[0]])
    outer, inner = ntk(X, block="outer"), ntk(X, block="inner")
    # Equal inputs: half of the square; orthogonal: 1/(2 pi); opposite: never active together.
    assert outer[0].tolist() == pytest.approx([0.5, 1 / (2 * math.pi), 0.0, 1.0], abs=1e-15)
    assert inner[0].tolist() == pytest.approx([0.5, 0.0, 0.0, 1.0], abs=1e-15)
    leaky = ntk(X, block="inner", slope=0.5)
    assert leaky[0].tolist() == pytest.approx([0.625, 0.0, -0.5, 1.25], abs=1e-15)
    assert torch.allclose(ntk(X, block="outer", slope=1.0), X @ X.T, atol=1e-15)


@pytest.mark.parametrize("away", [1e-3, 1e-6, 1e-9])
def test_small_angles_keep_their_digits(away):
    X = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    Z = torch.tensor([[1.0, away], [-1.0, away]], dtype=torch.float64)
    inner = ntk(X, Z, "inner")[0]
    angle = math.atan(away)
    # x.z (1/2 - theta/(2 pi)) for an angle of about `away`, and of about pi - `away`.
    lost = 0.5 - float(inner[0])
    assert lost == pytest.approx(angle / (2 * math.pi), rel=1e-6)
    assert float(inner[1]) == pytest.approx(-angle / (2 * math.pi), rel=1e-10)


def test_zero_inputs_and_chunks(points, monkeypatch):
    X = torch.cat([points(5, 3), torch.zeros(1, 3, dtype=torch.float64)])
    whole = ntk(X, block="full", slope=0.2)
    assert torch.equal(whole[-1], torch.zeros(6, dtype=torch.float64))
    monkeypatch.setattr("lowrot.kernels._ntk._CHUNK_ENTRIES", 7)
    assert torch.allclose(ntk(X, block="full", slope=0.2), whole, rtol=1e-14, atol=1e-15)
    assert torch.allclose(ntk(X, X[:2], slope=0.2), whole[:, :2], rtol=1e-14, atol=1e-15)
    assert float(torch.linalg.eigvalsh(whole)[0]) > -1e-12


def test_arguments_that_do_not_fit_are_named(points):
    X = points(3, 2)
    with pytest.raises(ValueError, match="block is 'both'"):
        ntk(X, block="both")
    with pytest.raises(ValueError, match=r"Z has shape \(3, 4\); expected 2"):
        ntk(X, points(3, 4))
    with pytest.raises(ValueError, match="slope is 2"):
        ntk(X, slope=2)
    with pytest.raises(TypeError, match="X has dtype"):
        ntk(X.float())
