"""Margins with their certificates, groups, neurons, sample sizes and clocks of a case."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch

from lowrot.data._groups import cosines
from lowrot.diagnosis._case import Case
from lowrot.diagnosis._real import fresh_floor
from lowrot.diagnosis._shapes import parity_pair
from lowrot.diagnosis._verdict import Quantity
from lowrot.kernels import outer_floor
from lowrot.optima import NotSeparable, Optimum, global_margin, ntk_margin, svm_margin
from lowrot.optima._arrangement import count
from lowrot.theorems import (
    binomial_interval,
    good_neurons,
    margin_samples,
    near_init_sgd,
    neural_collapse,
    recovery_samples,
    regression_certificate,
    sampled_fractions,
    simplicity_bias,
)

_POINTWISE = 50_000
"""Pairs (point, neuron) up to which the pointwise margin is solved."""
_CELLS = 20_000
"""Activation cells up to which the global margin is solved exactly."""
_SEARCHED = 60
"""Points up to which it is bounded by a search and a semidefinite program."""
_SEARCHED_D = 16
"""Dimension up to which it is."""
_DRAWS = 20_000
"""Random directions by which shares of good neurons are estimated."""
_LISTED = 8
"""Groups that are listed one by one."""
_ERROR = 0.1
"""Error for which sample sizes are given."""


# ---------------------------------------------------------------- margins


def margins(case: Case) -> list[Quantity]:
    """Every margin of the data, between two bounds."""
    data, net = case.data, case.standard
    found = [
        _solved("linear margin", lambda: svm_margin(data)),
        _solved("tangent margin, outer layer", lambda: case.flow.start.gamma),
        _solved("tangent margin, both layers", lambda: ntk_margin(net, data, layers="both")),
    ]
    found.append(_pointwise(case))
    found.append(_solved("frozen margin", lambda: case.coupled.gamma))
    return [*found, _global(case)]


def _solved(name: str, solve: Callable[[], Optimum]) -> Quantity:
    """An optimum; 0 below its bound where the data are not separable."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            best = solve()
    except NotSeparable as refusal:
        note = "not separable: a dual point proves that no margin is above the upper bound"
        return Quantity(name, 0.0, 0.0, refusal.upper, "input norm", note)
    except ValueError as refusal:
        return Quantity(name, math.nan, 0.0, 1.0, "input norm", str(refusal))
    note = "certified" if best.certified and not said else "gap larger than promised"
    note += f": relative gap {best.gap:.1e}"
    return Quantity(name, best.value, best.value, best.upper, "input norm", note)


def _pointwise(case: Case) -> Quantity:
    """The pointwise tangent margin, or what the one in l2 says of it."""
    name, net, data = "tangent margin, pointwise", case.standard, case.data
    if case.n * net.m <= _POINTWISE:
        return _solved(name, lambda: ntk_margin(net, data, norm="pointwise"))
    try:
        gamma = case.flow.start.gamma
    except NotSeparable as refusal:
        note = "not separable: the bound of the tangent margin in l2"
        return Quantity(name, 0.0, 0.0, refusal.upper, "input norm", note)
    largest = float(case.flow.start.outer.abs().max()) * math.sqrt(net.m)
    note = "too large to solve: between bounds from the tangent margin in l2"
    return Quantity(name, math.nan, gamma.value / largest, gamma.upper, "input norm", note)


def _global(case: Case) -> Quantity:
    """The global margin: exact, searched, or bounded by frozen features and second moments."""
    data, slope, name = case.data, case.slope, "global margin"
    rank = int(torch.linalg.matrix_rank(data.X))
    if slope == 1 or count(case.n, rank) <= _CELLS:
        return _solved(name, lambda: global_margin(data, slope=slope))
    if case.n <= _SEARCHED and rank <= _SEARCHED_D:
        found = _solved(name, lambda: global_margin(data, slope=slope, search=16))
        note = "too many cells to enumerate: bounds by a search and a semidefinite program"
        return Quantity(name, found.value, found.low, found.high, found.unit, note)
    duals = [data.y.new_full((case.n,), 1.0 / case.n)]
    lower = 0.0
    with suppress(NotSeparable):
        # Two neurons, v and -v, are the linear classifier.
        lower = 0.5 * (1 + slope) * svm_margin(data).value
    with suppress(NotSeparable, ValueError):
        lower = max(lower, case.coupled.gamma.value)
        duals.append(case.coupled.gamma.dual)
    upper = min(second_moments(case, q) for q in duals)
    note = "too large to solve: frozen or linear margin below, second moments of the data above"
    return Quantity(name, math.nan, lower, upper, "input norm", note)


def second_moments(case: Case, q: torch.Tensor) -> float:
    """An upper bound on the global margin from a dual point q.

    ``sum_i q_i y_i s(v.x_i)`` is at most its part of one label in size, for slope 0; with
    ``|s(z)| <= |z|`` and Cauchy's inequality that part is at most ``sqrt(Q lambda)``, Q its mass
    and lambda the largest eigenvalue of ``sum q_i x_i x_i^T`` over it. For other slopes both
    labels are taken together.
    """
    X, y = case.data.X, case.data.y
    sides = [y > 0, y < 0] if case.slope == 0 else [torch.ones_like(y, dtype=torch.bool)]
    bounds = [0.0]
    for side in sides:
        if bool(side.any()):
            weight = q[side]
            moment = (X[side] * weight[:, None]).T @ X[side]
            largest = float(torch.linalg.eigvalsh(moment)[-1])
            bounds.append(math.sqrt(max(0.0, float(weight.sum()) * largest)))
    return max(bounds) * (1 + 1e-12)


# ---------------------------------------------------------------- data and neurons


def facts(case: Case) -> list[Quantity]:
    """What the data are: sizes, repetitions, groups, mirrors."""
    X, given = case.given.data.X, case.given
    norms = X.norm(dim=1)
    found = [
        Quantity("points", case.n),
        Quantity("dimension", case.d),
        Quantity("rank of the inputs", int(torch.linalg.matrix_rank(X))),
        Quantity("shortest input", float(norms.min()), unit="longest input"),
        Quantity("points that share a direction", given.repeated),
        Quantity("of these with different labels", given.contradicted, note=_CONTRADICTED),
    ]
    return [*found, *_groups(case), *_mirrors(case)] if given.classification else found


_CONTRADICTED = "where this is not 0, no network without biases can meet the labels"


def _groups(case: Case) -> list[Quantity]:
    groups, y = case.grouped.groups, case.data.y
    assert groups is not None
    members = groups[:, None] == groups.unique()
    sizes = members.sum(dim=0)
    mixed = int(((y @ members.double()).abs() != sizes).sum())
    cosine = torch.as_tensor(cosines(case.data.X.cpu().numpy()))
    same = (members.double() @ members.double().T) > 0
    across = float(cosine[~same].max()) if bool((~same).any()) else math.nan
    return [
        Quantity("points with label +1", int((y > 0).sum())),
        Quantity("groups", len(sizes), note="own" if case.data.groups is not None else "inferred"),
        Quantity("points of the largest group", int(sizes.max())),
        Quantity("groups with both labels", mixed, note="0 is what neural collapse asks"),
        Quantity("least cosine within groups", float(cosine[same].min()), note="> 0 is asked"),
        Quantity("largest cosine across groups", across, note="<= 0 is asked"),
    ]


def _mirrors(case: Case) -> list[Quantity]:
    """How far the data are from symmetric ones, (-x, -y) with (x, y), and the start from odd."""
    from scipy.spatial.distance import cdist

    X, y = case.data.X.cpu().numpy(), case.data.y.cpu().numpy()
    distance = np.full(case.n, np.inf)
    for sign in (1.0, -1.0):
        mine, others = y == sign, y == -sign
        if mine.any() and others.any():
            distance[mine] = cdist(X[mine], -X[others]).min(axis=1)
    net, inputs = case.standard, case.data.X
    even = float((net(inputs) + net(-inputs)).abs().max())
    size = max(float(net(inputs).abs().max()), float(net(-inputs).abs().max()), 1e-300)
    return [
        Quantity("points with a mirror", int((distance <= 1e-12).sum()),
                 note="the point -x with the other label; all is what symmetric data have"),
        Quantity("farthest point from any mirror", float(distance.max()), unit="longest input"),
        Quantity("even part of the start", even / size, unit="largest output",
                 note="|f(x) + f(-x)|, 0 for an odd network"),
    ]  # fmt: skip


def neurons(case: Case) -> list[Quantity]:
    """The share of good neurons of the poorest group, of the start and of random ones."""
    asked = good_neurons(case.balanced, case.grouped)
    hits, m = asked.sum(dim=1), case.balanced.m
    low, high = binomial_interval(int(asked.any(dim=0).sum()), m)
    share = float(asked.any(dim=0).double().mean())
    found = [
        Quantity("good for some group", share, float(low), float(high), "share of neurons",
                 f"of {m} at the start; 95 % interval"),
    ]  # fmt: skip
    drawn = sampled_fractions(case.grouped, samples=_DRAWS, seed=case.seed)
    order = drawn.fraction.to_numpy().argsort(kind="stable")[:_LISTED]
    for k in order:
        row = drawn.iloc[int(k)]
        note = f"{int(hits[int(k)])} at the start; {_DRAWS} random directions, 95 % interval"
        found.append(Quantity(f"good for group {int(k)}", float(row.fraction), float(row.low),
                              float(row.high), "share of neurons", note))  # fmt: skip
    return found


# ---------------------------------------------------------------- predictions


def samples(case: Case) -> list[Quantity]:
    """Numbers of samples that bounds of this book ask for, for an error of a tenth."""
    out = []
    for name, update in (("one-pass SGD", "logistic"), ("perceptron", "perceptron")):
        try:
            theorem = near_init_sgd(case.standard, case.data, samples=case.n, update=update)
        except NotSeparable:
            continue
        note = f"averaged error {_ERROR:g}; " + _standing(theorem.holds)
        out.append(Quantity(name, theorem.samples_for(_ERROR), unit="samples", note=note))
        out.append(Quantity(f"{name}: mistakes at most", theorem.mistakes, unit="samples",
                            note=_standing(theorem.holds)))  # fmt: skip
    try:
        gamma = case.coupled.gamma.value
        note = f"error {_ERROR:g} for a network of the frozen margin, if it stays with more data"
        out.append(Quantity("margin bound", margin_samples(gamma / 2, _ERROR, slope=case.slope),
                            unit="samples", note=note))  # fmt: skip
    except (NotSeparable, ValueError):
        pass
    if parity_pair(case) is not None:
        note = "n_eff, with probability 0.95"
        out.append(Quantity("exact recovery", recovery_samples(case.d), unit="samples", note=note))
    return out


def _standing(holds: bool) -> str:
    return "the hypotheses hold" if holds else "the hypotheses fail: read it as a scale only"


def clocks(case: Case) -> list[Quantity]:
    """By which time the theorems promise something."""
    out = []
    try:
        flow = case.flow
        if flow.limit > 0:
            late = float(flow.time(flow.best_distance))
            out.append(Quantity("near initialization: best floor reached", late, unit="tau",
                                note=_standing(True)))  # fmt: skip
        coupled = case.coupled
        late = 2 * (coupled.lost + coupled.J_limit) / (2 * coupled.limit)
        out.append(Quantity("no rotation: half the limit", late, unit="tau",
                            note=_standing(coupled.holds)))  # fmt: skip
    except (NotSeparable, ValueError):
        pass
    collapse = neural_collapse(case.balanced, case.grouped)
    if collapse.holds:
        late = 2 * (collapse.lost + collapse.J_limit) / (4 * collapse.limit)
        out.append(Quantity("neural collapse: half the limit", late, unit="tau",
                            note=_standing(True)))  # fmt: skip
    simple = simplicity_bias(case.balanced, case.data)
    if simple.holds:
        out.append(Quantity("simplicity bias: followed until", simple.T, unit="tau",
                            note=_standing(True)))  # fmt: skip
    return out


def rates(case: Case) -> list[Quantity]:
    """What regression is driven by: least eigenvalues, and the time to divide residuals by e."""
    X, y, net = case.real.X, case.real.y, case.standard
    theorem = regression_certificate(net, X, y)
    outer = net.kernel(X, layers="outer").cpu().numpy()
    floor, fresh = outer_floor(X), fresh_floor(case)
    both = float(np.linalg.eigvalsh(net.kernel(X).cpu().numpy())[0])
    found = [
        Quantity("least eigenvalue of the kernel of both layers", max(0.0, both), unit="1/t"),
        Quantity("least eigenvalue of the outer kernel",
                 max(0.0, float(np.linalg.eigvalsh(outer)[0])), unit="1/t"),
        Quantity("outer kernel of infinite width, per neuron", fresh, floor, fresh, "1/t",
                 "below: by angles"),
        Quantity("residuals at the start", theorem.R, unit="labels"),
    ]  # fmt: skip
    if theorem.psi > 0:
        found.append(Quantity("residuals divided by e", 1 / theorem.psi, unit="t",
                              note=_standing(theorem.holds)))  # fmt: skip
    return found
