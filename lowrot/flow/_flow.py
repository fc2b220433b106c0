"""Gradient flow on two-layer networks, followed with certificates in loss-normalized time.

A step does not follow the weights but the n dual weights: they are collocated at Radau points, and
under them every neuron moves in closed form from kink to kink, along kinks where it slides. The
cost of a run grows with the logarithm of the margin reached. All of it runs on the processor,
wherever the tensors are, by code that the first flow after an installation compiles, in some 40 s.
Source: chapter "How we follow a gradient flow".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.data._dataset import SHORTEST, check_norms
from lowrot.flow._classification_run import ClassificationRun
from lowrot.flow._regression_run import RegressionRun
from lowrot.integrate import stop_rules, targets
from lowrot.losses import Loss, as_loss
from lowrot.network import Network
from lowrot.network._network import check_fit, check_inputs
from lowrot.path import Path

LAYERS = {"both": (1.0, 1.0), "outer": (1.0, 0.0), "inner": (0.0, 1.0)}
"""Rates of the outer and the inner weights."""


def gradient_flow(
    net: Network,
    data: Dataset,
    *,
    loss: str | Loss = "exponential",
    stop: Mapping[str, Any] | None = None,
    rtol: float = 1e-3,
    save: Sequence[float] | None = None,
    progress: bool = False,
    layers: str = "both",
    max_steps: int = 10_000,
    resume: Path | None = None,
) -> Path:
    """Follow gradient flow ``dW/dtau = sum_i q_i G_i`` with error control and certificates.

    Args:
        net: the network at time 0, m neurons in d dimensions, on any device.
        data: n points, on the same device; the flow itself runs on the processor.
        loss: "exponential", "logistic" or a `Loss`.
        stop: the run ends when any of these is reached: ``tau`` (clock), ``ln_t``,
            ``min_margin`` (min_i p_i), ``P`` (soft margin), ``rho`` (``||W - W_0||``), ``margin``
            (P_+/||W||^2), ``when`` (a function of a copy of the row of scalars, which returns True
            or False). Default: ``{"min_margin": 1000}``. Of these ``tau`` is met exactly, ``when``
            at the first step for which it holds, the others from above to a relative 1e-6. A flow
            at rest that does not separate the data ends too (every neuron is still: its least
            velocity is rounding of its own terms), and so does one whose margins exceed 1e12, or
            whose steps exceed 1e8 of its own time scales; the status says which.
        rtol: local error of a step, relative to ``||W||`` and to max(1, ``|P|``), between 1e-10
            and 0.1.
        save: clock times to stop at and keep (steps land on them exactly), besides the start and
            the end; every step when None.
        progress: print a line about every two seconds.
        layers: "both", "outer" or "inner" weights.
        max_steps: steps tried at most, accepted or not (of this call).
        resume: a path of an earlier run with the same arguments, to be continued; ``net`` is
            still the network at time 0. Arguments and data that did not make it are refused.

    Returns:
        A `Path` with columns ``tau``, ``ln_t``, ``P``, ``min_margin``, ``margin`` (smoothed,
        P_+/||W||^2), ``normalized`` (min_i p_i/||W||^2), ``mean`` (sum q p), ``ln_loss``,
        ``norm_a``, ``norm_V``, ``norm_squared``, ``rho``, ``sliding`` (pairs that slide),
        ``error`` (sum of the local error estimates); states ``a`` (k, m), ``V`` (k, m, d), ``q``
        (k, n). Its certificates are F2 to F5 and the error of ``ln_t``, which is as accurate as
        P: its quadrature adds at most rtol times max(1, ``|P|``). Its ``stats`` count ``steps``,
        ``rejected``, ``iterations``, ``kernels`` (kernel evaluations) and ``seconds``. An interrupt
        (Ctrl-C) ends the run and returns the path so far.

    Raises:
        ValueError, TypeError: arguments that do not fit together, each named with its value.

    Where the flow is not unique (at the start, coincidences aside) one solution is followed: the
    slope of each hyperplane that a neuron is on is chosen in [alpha, 1] so that its velocity is
    least (F0); with v_j = 0 it is on all of them. If that velocity is zero across a hyperplane the
    neuron stays on it. If the fields on the sides it leads to bring the neuron back, it is first
    moved by 4e-9 of its size along that velocity. Where normals depend on each other these choices
    may be more than Clarke's subdifferential.

    Source: chapter "How we follow a gradient flow"; clocks: F1, kinks: F0.
    """
    loss = as_loss(loss)
    rates = LAYERS[_validate.choice("layers", layers, tuple(LAYERS))]
    check_fit(net, data)
    if net.norm_squared == 0:
        raise ValueError("net is zero; gradient flow never moves it")
    known = ("tau", "ln_t", "min_margin", "P", "rho", "margin")
    rules = stop_rules(stop, known, {"min_margin": 1e3})
    run = ClassificationRun(net, data, loss, rates, _validate.number("rtol", rtol, 1e-10, 0.1))
    _resume(run, resume)
    return run.follow(rules, targets(save), progress, _validate.integer("max_steps", max_steps, 1))


def regression_flow(
    net: Network,
    X: Tensor,
    y: Tensor,
    *,
    rates: tuple[float, float] = (1.0, 1.0),
    stop: Mapping[str, Any] | None = None,
    rtol: float = 1e-3,
    save: Sequence[float] | None = None,
    progress: bool = False,
    max_steps: int = 10_000,
    resume: Path | None = None,
) -> Path:
    """Follow gradient flow of ``||f(X) - y||^2/2`` with a rate for each layer.

    Args:
        net: the network at time 0, m neurons in d dimensions, on any device; the flow itself runs
            on the processor.
        X: inputs, shape (n, d), of any norm from 1e-150 to 1e150.
        y: labels, shape (n,).
        rates: eta_a of the outer and eta_V of the inner weights, >= 0, not both 0.
        stop: the run ends when any of these is reached: ``t`` (exactly), ``relative_loss``
            (L/L(0)) and ``rho`` (both to a relative 1e-6), ``when`` (a function of a copy of the
            row of scalars, which returns True or False; at the first step with True). Default:
            ``{"relative_loss": 1e-10}``. A flow at rest at a positive loss ends too, and so does
            one whose residuals have reached rounding, or that is too slow for doubles; the status
            says which.
        rtol: local error of a step, relative to ``||W||`` and to the norm of the residuals,
            between 1e-10 and 0.1.
        save: times t to stop at and keep, besides the start and the end; every step when None.
        progress: print a line about every two seconds.
        max_steps: steps tried at most, accepted or not (of this call).
        resume: a path of an earlier run with the same arguments, to be continued; ``net`` is
            still the network at time 0. Arguments and data that did not make it are refused.

    Returns:
        A `Path` with columns ``t``, ``ln_t``, ``loss``, ``ln_loss``, ``relative_loss``,
        ``norm_a``, ``norm_V``, ``norm_squared``, ``rho``, ``sliding``, ``error``; states ``a``,
        ``V`` and ``q`` (minus the residuals). Its certificates are the rate identity ``dL/dt =
        -r^T (eta_a K_a + eta_V K_V) r`` and the invariants ``eta_V a_j^2 - eta_a ||v_j||^2``; its
        ``stats`` and an interrupt are those of `gradient_flow`.

    Raises:
        ValueError, TypeError: arguments that do not fit together, each named with its value.

    Source: chapter "How we follow a gradient flow".
    """
    X = _validate.real_array("X", X, ("n", "d"), copy=True)
    y = _validate.real_array("y", y, (X.shape[0],), copy=True)
    _validate.same_device(X=X, y=y)
    check_norms(X, longest=1 / SHORTEST)
    check_inputs(net, X)
    if net.norm_squared == 0:
        raise ValueError("net is zero; gradient flow never moves it")
    eta = _validate.rates("rates", rates)
    rules = stop_rules(stop, ("t", "relative_loss", "rho"), {"relative_loss": 1e-10})
    run = RegressionRun(net, X, y, eta, _validate.number("rtol", rtol, 1e-10, 0.1))
    _resume(run, resume)
    return run.follow(rules, targets(save), progress, _validate.integer("max_steps", max_steps, 1))


def _resume(run: ClassificationRun | RegressionRun, path: Path | None) -> None:
    if not isinstance(path, Path | None):
        raise TypeError(f"resume is of type {type(path).__name__}; expected a Path")
    if path is not None:
        run.resume_from(path)
