"""A plain reference flow, and doors into the fast one: its bare steps, and bugs planted in it.

The reference is short, explicit and slow, and shares no code with `lowrot.gradient_flow` but the
network and the data: where both agree, neither is likely to be wrong.
Source: chapter "How we follow a gradient flow".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
from scipy.optimize import nnls
from scipy.special import log_expit, softmax

from lowrot import _jit, _validate
from lowrot.data import Dataset
from lowrot.flow._objectives import Classification
from lowrot.flow._planes import Planes
from lowrot.flow._radau import Radau
from lowrot.flow._step import Step
from lowrot.flow.neuron import Rates, _arc, _begin, _contact, _grip, _propagate
from lowrot.losses import Loss, as_loss
from lowrot.network import Network
from lowrot.network._network import check_fit as _check_fit

Array = np.ndarray

_CLOSE = 1e-12
"""What a vector has along a unit normal, over its length, counts as zero up to this."""
_HALVINGS = 40
"""After so many the length of a step up to an event is known to rounding."""
_EVENTS = 10
"""So many events a pair of neuron and hyperplane may have in a step."""
_SOLVED = 1e-9
"""The relative tolerance to which `fixed_steps` solves each step."""


def reference_flow(
    net: Network, data: Dataset, *, tau: float, steps: int, loss: str | Loss = "exponential"
) -> Network:
    """Follow gradient flow ``dW/dtau = sum_i q_i G_i``, kinks included, by plain explicit steps.

    Args:
        net: the network at time 0, m neurons in d dimensions, none with inner weights zero.
        data: n points.
        tau: length of the flow, in the clock tau.
        steps: equal steps, of order 4; each is cut where a neuron meets or leaves a kink. They must
            be shorter than 2.8 over the largest rate at which q relaxes, which grows like the
            margin. The work is in proportion to steps, kinks met, and 2^k where k meet at once.
        loss: "exponential" or "logistic".

    Returns:
        The network at time tau. Where neuron j slides, ``v_j.x_i`` is zero to rounding.

    Raises:
        ValueError, TypeError: arguments that do not fit together, each named with its value.
        RuntimeError: more events in a step than a flow can have.

    Source: chapter "How we follow a gradient flow"; clock: F1, kinks: F0; Filippov, Differential
    Equations with Discontinuous Righthand Sides, section 4.
    """
    tau, steps, name = _checked(net, data, tau, steps, loss)
    zero = (net.V == 0).all(dim=1).nonzero()
    if len(zero):
        raise ValueError(f"net.V[{int(zero[0])}] is zero; expected neurons on one side of kinks")
    flow = PiecewiseFlow(net.slope, data, name)
    W = np.column_stack([net.a.cpu().numpy(), net.V.cpu().numpy()])
    W, S = flow.settle(W, flow.sides(W))
    for _ in range(steps):
        left = tau / steps
        for _ in range(_EVENTS * S.size):
            h = flow.locate_event(W, S, left)
            W, S = flow.settle(flow.step(W, S, h), S)
            left -= h
            if left == 0:
                break
        else:
            raise RuntimeError(f"kinks pile up in a step of {tau / steps:.3g}; expected more steps")
    return Network(net.a.new_tensor(W[:, 0]), net.V.new_tensor(W[:, 1:]), net.slope)


class PiecewiseFlow:
    """Gradient flow as pieces, each smooth, and the choice of the next piece at a kink.

    The state is W, one row ``(a_j, v_j)`` a neuron, and S, one row a neuron and one column a
    hyperplane: on a piece S is constant, the side of ``v_j`` (-1 or 1), or 0 while it slides.

    Args:
        slope: of the activation for negative inputs.
        data: n points; parallel ones share one of the N hyperplanes.
        loss: "exponential" or "logistic".
    """

    def __init__(self, slope: float, data: Dataset, loss: str) -> None:
        self.slope, self.loss = slope, loss
        self.X, self.y = data.X.cpu().numpy(), data.y.cpu().numpy()
        units = self.X / np.linalg.norm(self.X, axis=1, keepdims=True)
        rounded = units.round(12)
        self.facing = np.sign(rounded[np.arange(data.n), (rounded != 0).argmax(axis=1)])
        rounded = self.facing[:, None] * rounded
        _, first, plane = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
        self.normals, self.plane = (self.facing[:, None] * units)[first], plane.ravel()

    def sides(self, W: Array) -> Array:
        """The side of every hyperplane on which every neuron is, 0 on it; shape (m, N)."""
        z = W[:, 1:] @ self.normals.T
        size = np.linalg.norm(W[:, 1:], axis=1, keepdims=True)
        return np.where(np.abs(z) > _CLOSE * size, np.sign(z), 0.0)

    def slopes(self, S: Array) -> Array:
        """``s'_ij`` of all neurons at all points, the mean of both where S is 0; shape (m, n)."""
        return (1 + self.slope) / 2 + (1 - self.slope) / 2 * self.facing * S[:, self.plane]

    def signed_weights(self, W: Array, S: Array) -> Array:
        """The dual weights times the labels, ``q_i y_i``, shape (n,)."""
        p = self.y * (W[:, 0] @ (self.slopes(S) * (W[:, 1:] @ self.X.T)))
        return self.y * softmax(-p if self.loss == "exponential" else log_expit(-p))

    def along(self, vectors: Array, S: Array) -> Array:
        """Vectors of neurons, shape (m, d), less their parts normal to what these slide on."""
        normals = self.normals * (S == 0)[:, :, None]
        return vectors - (np.linalg.pinv(normals) @ (normals @ vectors[:, :, None]))[:, :, 0]

    def velocity(self, W: Array, S: Array) -> Array:
        """``a_j' = xi_j.v_j, v_j' = a_j xi_j``, with ``sum_i q_i y_i s'_ij x_i`` for xi_j."""
        h = (self.slopes(S) * self.signed_weights(W, S)) @ self.X
        h = self.along(h, S)
        return np.column_stack([(h * W[:, 1:]).sum(axis=1), W[:, :1] * h])

    def step(self, W: Array, S: Array, h: float) -> Array:
        """W after a time h on one piece, by the Runge-Kutta method of order 4."""
        k1 = self.velocity(W, S)
        k2 = self.velocity(W + h / 2 * k1, S)
        k3 = self.velocity(W + h / 2 * k2, S)
        k4 = self.velocity(W + h * k3, S)
        return W + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def settle(self, W: Array, S: Array) -> tuple[Array, Array]:
        """W and S where neurons on kinks have chosen which to cross, slide on, leave.

        The fields h on all sides of the kinks span a convex hull, and with it Clarke's
        subdifferential. The flow takes the element of least norm, and slides where it
        has no part along the normal.
        """
        S = np.where(self.sides(W) * S > 0, S, 0.0)
        W = np.column_stack([W[:, 0], self.along(W[:, 1:], S)])
        chosen, signed = S.copy(), self.signed_weights(W, S)
        for j in np.flatnonzero((S == 0).any(axis=1)):
            on = np.flatnonzero(S[j] == 0)
            around = np.repeat(S[j : j + 1], 2 ** len(on), axis=0)
            around[:, on] = list(itertools.product((-1.0, 1.0), repeat=len(on)))
            h = (self.slopes(around) * signed) @ self.X
            normal = self.normals[on] @ minimal_norm_element(h)
            none = np.abs(normal) <= _CLOSE * np.linalg.norm(h, axis=1).max()
            chosen[j, on] = np.where(none, 0.0, np.sign(W[j, 0] * normal))
        return W, chosen

    def past_event(self, W: Array, S: Array) -> bool:
        """Whether a neuron has crossed a kink, or would not settle on one it slides on."""
        return bool((self.sides(W) * S < 0).any() or (self.settle(W, S)[1] != S).any())

    def locate_event(self, W: Array, S: Array, h: float) -> float:
        """The length of a step that ends just past the first event, at most h."""
        if not self.past_event(self.step(W, S, h), S):
            return h
        before = 0.0
        for _ in range(_HALVINGS):
            middle = (before + h) / 2
            if self.past_event(self.step(W, S, middle), S):
                h = middle
            else:
                before = middle
        return h


def minimal_norm_element(points: Array) -> Array:
    """The least element, shape (d,), of the convex hull of points, shape (k, d).

    For weights ``t mu_i >= 0`` with ``sum_i mu_i = 1`` the squares
    ``||sum_i t mu_i x_i||^2 + (t - 1)^2`` are ``N/(1 + N)`` at the best t, where
    ``N = ||sum_i mu_i x_i||^2``: so the least squares have the least N.
    Source: Lawson and Hanson, Solving Least Squares Problems, chapter 23.
    """
    size = max(np.linalg.norm(points, axis=1).max(), 1e-300)
    system = np.vstack([points.T / size, np.ones(len(points))])
    weights = nnls(system, np.append(np.zeros(len(system) - 1), 1.0))[0]
    return weights @ points / weights.sum()


def fixed_steps(
    net: Network, data: Dataset, *, tau: float, steps: int, loss: str | Loss = "exponential"
) -> Network:
    """Follow gradient flow by equal steps of the fast method, without control of the error.

    Args:
        net: the network at time 0, m neurons in d dimensions.
        data: n points.
        tau: length of the flow, in the clock tau.
        steps: their number.
        loss: "exponential" or "logistic".

    Returns:
        The network at time tau.

    Raises:
        ValueError, TypeError: arguments that do not fit together, each named with its value.
        RuntimeError: a step whose equations the method could not solve.

    Source: chapter "How we follow a gradient flow".
    """
    tau, steps, name = _checked(net, data, tau, steps, loss)
    planes = Planes.of(data.X.cpu(), net.slope)
    objective = Classification(data.y.cpu().numpy(), as_loss(name))
    method = Radau(planes, objective, (1.0, 1.0), _SOLVED)
    state = method.start(net.a, net.V)
    for _ in range(steps if tau else 0):
        stages = method.attempt(state, tau / steps).stages
        if stages is None:
            raise RuntimeError(f"a step of {tau / steps:.3g} has no solution; expected more steps")
        state = stages[1]
    a, V = (net.a.new_tensor(part) for part in (state.neurons.a, state.neurons.V))
    return Network(a, V, net.slope)


@contextmanager
def planted(bug: str) -> Iterator[None]:
    """Plant a bug into the fast flow inside the block, where its compiled parts are interpreted.

    Args:
        bug: "slow inner layer" (it learns ten percent too slowly), "no step control" (the first
            estimate of the error is always zero) or "no sliding" (neurons cross every kink).

    Raises:
        ValueError: an unknown bug.

    Source: chapter "How we follow a gradient flow".
    """
    places = _PLACES[_validate.choice("bug", bug, BUGS)]
    with _jit.interpreted(), ExitStack() as stack:
        for place in places:
            stack.enter_context(mock.patch.object(*place))
        yield


_attempt = Radau.attempt


def _slow_inner_layer(a: float, v: Array, h: Array, t: float, rates: Rates, end: Array) -> float:
    return _propagate.propagate(a, v, h, t, (rates[0], 0.9 * rates[1]), end)


def _no_step_control(*given: Any) -> Step:
    return replace(_attempt(*given), error=0.0)


def _no_sliding(U: Array, bound: Array, h: Array, normal: Array, r: Array) -> None:
    normal[:] = U @ h
    r[:] = h - (bound * np.sign(normal)) @ U


def _nothing_holds(*given: Any) -> bool:
    return False


_PLACES: dict[str, list[tuple[Any, str, Callable[..., Any]]]] = {
    "slow inner layer": [(_arc, "propagate", _slow_inner_layer)],
    "no step control": [(Radau, "attempt", _no_step_control)],
    "no sliding": [
        (_contact, "minimal_norm_velocity", _no_sliding),
        (_begin, "balanced", _nothing_holds),
        (_grip, "balanced", _nothing_holds),
    ],
}
BUGS = tuple(_PLACES)
"""The bugs that `planted` knows, by name."""


def _checked(
    net: Network, data: Dataset, tau: float, steps: int, loss: str | Loss
) -> tuple[float, int, str]:
    _check_fit(net, data)
    if net.norm_squared == 0:
        raise ValueError("net is zero; gradient flow never moves it")
    name = as_loss(loss).name
    return _validate.number("tau", tau, 0.0), _validate.integer("steps", steps, 1), name
