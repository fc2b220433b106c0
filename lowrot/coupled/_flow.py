"""The no-rotation flow: inner weights move in norm only, so the flow is n-dimensional at any width.

With inner weights ``b_j v_j`` (v_j a fixed unit vector) and ``|a_j(0)| = b_j(0)``, gradient flow
keeps ``a_j = chi_j b_j``; in ``u_j = a_j b_j`` and the clock tau it reads

    ``ln |u_j| = ln |u_j(0)| + 2 chi_j sum_i z_i y_i s(v_j . x_i)`` and ``dz/dtau = q``,

so the n numbers z determine all m weights. Source: chapter "No rotation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lowrot import _validate
from lowrot.coupled._features import Features, as_features
from lowrot.coupled._run import CoupledRun
from lowrot.coupled._tableaux import METHODS
from lowrot.data import Dataset
from lowrot.data._dataset import fingerprint
from lowrot.integrate import stop_rules, targets
from lowrot.losses import Loss, as_loss
from lowrot.network import Network
from lowrot.path import Path

__all__ = ["METHODS", "Features", "coupled_flow"]


def coupled_flow(
    net_or_features: Network | Features,
    data: Dataset,
    *,
    loss: str | Loss = "exponential",
    stop: Mapping[str, Any] | None = None,
    rtol: float = 1e-3,
    save: Sequence[float] | None = None,
    progress: bool = False,
    method: str = "sdirk2",
    max_steps: int = 10_000,
    resume: Path | None = None,
) -> Path:
    """Follow gradient flow with frozen inner directions, by convex implicit steps.

    Args:
        net_or_features: a balanced network, or `Features` (m neurons).
        data: the data set (n points).
        loss: "exponential", "logistic" or a `Loss`.
        stop: the run ends when any of these is reached: ``tau`` (clock), ``ln_norm``
            (ln ||u||_1), ``margin`` (P_+/||u||_1), ``gap`` (certified relative gap, from above),
            ``when`` (a function of a copy of the row, which returns True or False). Default:
            ``{"gap": 0.01}``. Of these ``tau`` is met exactly, the others at the first step beyond.
            The rule ``gap`` also ends a run whose dual proves that no positive margin exists (in
            doubles: none above 1e-9 of the largest feature).
        rtol: local error of z in the 1-norm, relative to max(1/r, tau), where r is the unit of the
            run: the power of two just above the largest feature ``| s(v_j . x_i) |``.
        save: clock times to stop at and keep (steps land on them exactly), besides the start and
            the end; every step when None.
        progress: print a line about every two seconds.
        method: "sdirk2" (second order) or "euler" (first order; keeps every conclusion of the
            no-rotation theorem exactly, at any step size).
        max_steps: steps tried at most, accepted or not (of this call).
        resume: a path of an earlier run with the same arguments, to be continued. Arguments and
            data that did not make it are refused.

    Returns:
        A `Path` with columns ``tau``, ``ln_t``, ``ln_norm`` (ln ||u||_1 = ln(||W||^2/2)),
        ``margin`` (P_+/||u||_1), ``soft_ratio`` (the signed P/||u||_1), ``min_ratio``
        (min_i p_i/||u||_1), ``ln_P`` (ln P_+), ``ln_loss``, ``dual`` (an upper bound on
        gamma_frozen), ``gap`` ((dual - margin)/dual), ``J`` (an upper bound on the theorem's J,
        ``int_0^tau min(2, 4 c_n/||W||^2)``); states
        ``z`` and ``q``, shape (k, n). The quadrature of ``ln_t`` adds at most rtol times
        max(1, ``|P|``) to the error of P. ``ln_t`` and ``-ln_loss`` are inf once ln t itself is
        beyond the doubles; ``ln_P`` is then also ln(ln t) to all digits, and never overflows.
        An interrupt (Ctrl-C) ends the run and returns the path so far.

    Raises:
        ValueError, TypeError: arguments that do not fit together, each named with its value.

    In another unit of the inputs, c X, the flow that starts at ``u(0)/c`` has the same margins and
    dual weights at the times ``tau/c``; ``margin`` and ``dual`` are multiplied by c. From the same
    start it only takes longer until ``||u||_1`` has grown to the scale 1/c.

    Source: chapter "No rotation"; clocks: F1.
    """
    features = as_features(net_or_features)
    _validate.kind("data", data, Dataset)
    loss = as_loss(loss)
    chosen = METHODS[_validate.choice("method", method, tuple(METHODS))]
    rtol = _validate.number("rtol", rtol, 1e-12, 0.5)
    potential = features.potential(data)
    known = ("tau", "ln_norm", "margin", "gap")
    rules = stop_rules(stop, known, {"gap": 0.01}, potential.unit)
    if resume is not None:
        _validate.kind("resume", resume, Path)
    given = {
        "method": method,
        "slope": features.slope,
        "data": fingerprint(data.X, data.y),
        "features": fingerprint(features.directions, features.signs, features.start),
    }
    run = CoupledRun(potential, data.n, loss, chosen, rtol, resume, given)
    times = targets(save, potential.unit)
    return run.follow(rules, times, progress, _validate.integer("max_steps", max_steps, 1))
