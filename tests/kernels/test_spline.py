"""Splines: the kernel by quadrature, the limit by SciPy's natural spline, the rate in H."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.interpolate import CubicSpline

from lowrot.kernels import spline_interpolant, spline_kernel


def samples(n, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.uniform(-1, 1, n)), torch.tensor(rng.normal(size=n))


@pytest.mark.parametrize("H", [1.0, 2.5, 40.0])
def test_the_kernel_is_its_integral(H):
    x, z = torch.tensor([-1.0, -0.3, 0.8]).double(), torch.tensor([-0.7, 1.0]).double()
    K = spline_kernel(x, z, H=H)
    for i, one in enumerate(x.tolist()):
        for j, other in enumerate(z.tolist()):
            kinks = {"points": [one, other], "epsabs": 1e-12, "limit": 200}
            up, down = (
                quad(
                    lambda k, g: max(g * (one - k), 0) * max(g * (other - k), 0),  # noqa: B023
                    -H,
                    H,
                    args=(side,),
                    **kinks,
                )[0]
                for side in (1, -1)
            )
            assert float(K[i, j]) == pytest.approx((up + down) / (4 * H), rel=1e-9)


@pytest.mark.parametrize(("n", "shift"), [(3, 0.0), (7, 0.0), (20, 5.0)])
def test_the_limit_is_the_natural_spline(n, shift):
    x, y = samples(n)
    at = np.linspace(-2, 2, 60) + shift
    order = np.argsort(x.numpy())
    natural = CubicSpline(x.numpy()[order] + shift, y.numpy()[order], bc_type="natural")
    inside = (at > x.min().item() + shift) & (at < x.max().item() + shift)
    found = spline_interpolant(x + shift, y)(torch.tensor(at)).numpy()
    assert np.allclose(found[inside], natural(at[inside]), atol=1e-8 * np.abs(found).max())
    outer = found[at > x.max().item() + shift]
    assert np.abs(np.diff(outer, 2)).max() < 1e-8 * np.abs(found).max()  # lines


@pytest.mark.parametrize("H", [1.0, 3.0, 10.0])
def test_a_finite_interval_gives_the_interpolant_of_the_kernel(H):
    x, y = samples(6, seed=1)
    at = torch.linspace(-1, 1, 40).double()
    dense = spline_kernel(at, x, H=H) @ torch.linalg.solve(spline_kernel(x, H=H), y)
    found = spline_interpolant(x, y, H=H)
    assert torch.allclose(found(at), dense, atol=1e-8 * float(dense.abs().max()))
    assert torch.allclose(found(x), y, atol=1e-9 * float(dense.abs().max()))


@pytest.mark.parametrize("n", [2, 3, 7])
def test_the_distance_from_the_limit_is_of_first_order_with_its_constant(n):
    x, y = samples(n, seed=2)
    at = torch.linspace(-1, 1, 40).double()
    limit, H = spline_interpolant(x, y), 1e5
    P = torch.stack([torch.ones_like(x), x], dim=1)
    system = torch.zeros(n + 2, n + 2).double()
    system[:n, :n] = (x[:, None] - x).abs() ** 3 / 6
    system[:n, n:], system[n:, :n] = P, P.T
    unit = torch.zeros(n + 2).double()
    unit[-1] = 1.0
    part = torch.linalg.solve(system, unit)
    g = ((at[:, None] - x).abs() ** 3 / 6) @ part[:n] + part[n] + part[n + 1] * at
    moved = 2 * H * (spline_interpolant(x, y, H=H)(at) - limit(at))
    assert torch.allclose(moved, limit.beta[1] * g, atol=1e-3 * float(moved.abs().max()))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": [0.0], "y": [1.0]}, "expected n >= 2"),
        ({"x": [0.0, 0.0], "y": [1.0, 2.0]}, "1 different of 2"),
        ({"x": [0.0, 2.0], "y": [1.0, 2.0], "H": 1.0}, "x reaches 2"),
        ({"x": [0.0, 1.0], "y": [1.0, 2.0], "H": 0.0}, "H is 0.0; expected a positive"),
    ],
)
def test_what_has_no_spline_is_refused(given, words):
    given = {k: torch.tensor(v).double() if k in "xy" else v for k, v in given.items()}
    with pytest.raises(ValueError, match=words):
        spline_interpolant(**given)
