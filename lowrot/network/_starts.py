"""Where flows start: initializations of networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from lowrot import _validate
from lowrot.network._network import Network


def standard(m: int, d: int, seed: int = 0, slope: float = 0.0) -> Network:
    """Standard initialization of this book: ``a_j ~ N(0, 1/m)``, ``v_j ~ N(0, I_d)``.

    With unit-norm inputs, f has at initialization the scale of LeCun's initialization on inputs
    of norm sqrt(d); the *flow* is not the same (there the inner layer learns d times faster).

    Args:
        m: width.
        d: input dimension.
        seed: of the weights.
        slope: of the activation for negative inputs, in [0, 1].

    Raises:
        TypeError, ValueError: numbers that are no integers, or outside their limits.

    Source: chapter "Notation and the common frame".
    """
    generator, m, d = _generator(m, d, seed)
    V = torch.randn(m, d, generator=generator, dtype=_validate.DTYPE)
    a = torch.randn(m, generator=generator, dtype=_validate.DTYPE) / math.sqrt(m)
    return Network(a, V, slope)


def balanced(m: int, d: int, seed: int = 0, slope: float = 0.0) -> Network:
    """Balanced initialization: random signs, uniform directions, ``|a_j| = ||v_j|| = m^(-1/2)``.

    The total norm is ``||W||^2 = 2`` at any width. Rounding leaves ``|a_j| >= ||v_j||``: so no
    neuron changes its sign along gradient flow.

    Args and errors are those of `standard`.

    Source: chapter "Notation and the common frame".
    """
    generator, m, d = _generator(m, d, seed)
    V = torch.randn(m, d, generator=generator, dtype=_validate.DTYPE)
    V = V / V.norm(dim=1, keepdim=True) / math.sqrt(m)
    signs = 1.0 - 2.0 * torch.randint(2, (m,), generator=generator).to(_validate.DTYPE)
    return Network(_at_least_the_norm(signs / math.sqrt(m), V), V, slope)


def in_plane(
    degrees: Sequence[float], masses: Sequence[float], signs: Sequence[float] | None = None
) -> Network:
    """Balanced ReLU network of the plane with given neurons: ``|a_j| = ||v_j|| = sqrt(mass_j)``.

    Rounding leaves ``|a_j| >= ||v_j||``.

    Args:
        degrees: directions of the v_j from the first axis, in degrees, shape (m,).
        masses: ``|a_j| ||v_j||``, each >= 0 and not all 0, shape (m,).
        signs: of the a_j, all +1 when None, shape (m,).

    Raises:
        ValueError: shapes that disagree, negative or vanishing masses, signs other than -1, +1.
        TypeError: values that are no real numbers.

    Source: chapter "Bad KKT points and the escape".
    """
    angle = torch.deg2rad(_validate.real_array("degrees", degrees, ("m",)))
    mass = _validate.real_array("masses", masses, (len(angle),))
    if float(mass.min()) < 0 or float(mass.max()) == 0:
        raise ValueError(f"masses are {masses!r}; expected numbers >= 0, at least one positive")
    sigma = torch.ones_like(mass) if signs is None else _validate.signs("signs", signs, len(angle))
    V = mass.sqrt()[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return Network(_at_least_the_norm(sigma * mass.sqrt(), V), V)


def small(net: Network, scale: float) -> Network:
    """Return the network with all weights times ``scale``: small initialization.

    Neurons that are balanced up to rounding get ``|a_j| >= ||v_j||``.

    Args:
        net: the network, of any size.
        scale: a positive number; the margins change by its square.

    Raises:
        ValueError: a scale that is not positive and finite, or makes weights overflow.
        TypeError: a net or scale of another type.

    Source: chapter "Notation and the common frame".
    """
    _validate.kind("net", net, Network)
    scale = _validate.number("scale", scale, 0.0)
    if scale == 0:
        raise ValueError("scale is 0; expected a positive number (the zero network never moves)")
    V = net.V * scale
    return replace(net, a=_at_least_the_norm(net.a * scale, V), V=V)


def paired(net: Network) -> Network:
    """Return the network with every neuron also its negative: (a, v), then (-a, -v).

    It is a linear function, ``f(x) = (1 + slope) sum_j a_j v_j . x``, the sum over the neurons of
    ``net``, and gradient flow on symmetric data keeps it so.

    Args:
        net: the network, m neurons.

    Returns:
        A network of 2 m neurons.

    Raises:
        TypeError: anything but a `Network`.

    Source: chapter "Symmetric data and simplicity bias".
    """
    _validate.kind("net", net, Network)
    return replace(net, a=torch.cat([net.a, -net.a]), V=torch.cat([net.V, -net.V]))


def _at_least_the_norm(a: Tensor, V: Tensor) -> Tensor:
    """Outer weights, ``|a_j| >= ||v_j||`` exactly where they were equal up to rounding.

    The rounding of a norm in d dimensions, and of what is multiplied, is below (d + 8) 2^-53.
    """
    most = V.abs().amax(dim=1, keepdim=True)
    norm = (V / torch.where(most > 0, most, 1.0)).norm(dim=1) * most[:, 0]
    rounding = (V.shape[1] + 8) * 2.0**-53
    off = (a.abs() - norm).abs() <= rounding * norm
    return torch.where(off, a.sign() * norm * (1.0 + rounding), a)


def _generator(m: int, d: int, seed: int) -> tuple[torch.Generator, int, int]:
    """Return a seeded generator and the checked sizes."""
    m, d = _validate.integer("m", m, 1), _validate.integer("d", d, 1)
    return torch.Generator().manual_seed(_validate.integer("seed", seed, 0)), m, d
