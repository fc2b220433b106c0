"""The theorems near initialization, asked of the data."""

from __future__ import annotations

from dataclasses import replace

import torch

from lowrot.diagnosis._case import Case, Judged, by_theorem, judged
from lowrot.diagnosis._verdict import Decision, Needed
from lowrot.optima._tangent import entries
from lowrot.theorems import Hypothesis, NearInitFlow, Statement, near_init_flow, near_init_sgd

_BOTH = 40_000_000
"""Weights times points up to which both layers are asked: what flips cost is a sum over them."""


class Floor(Statement):
    """The theorem of the NTK margin: whether some floor of its proof is positive.

    Args:
        flow: the theorem of gradient flow near initialization.
    """

    def __init__(self, flow: NearInitFlow) -> None:
        best = flow.P0 + float(flow.gain(flow.reach))
        statement = "soft margin that the theorem reaches, $P(0)$ + gain"
        self.hypotheses = [
            *flow.start.hypotheses(),
            Hypothesis(statement, best, "$> 0$", flow.limit > 0),
        ]


def _kernel_cost(case: Case, m: int) -> float:
    return float(case.n) * m * (case.n + 30 * case.d)


def sgd(case: Case, update: str) -> Judged:
    """One-pass SGD on as many samples as there are points."""
    theorem = near_init_sgd(case.standard, case.data, samples=case.n, update=update)
    needed = case.width(
        lambda m: near_init_sgd(case.standard_at(m), case.data, samples=case.n, update=update),
        lambda m: _kernel_cost(case, m),
        predicted=theorem.at_width,
    )
    return by_theorem(theorem, case.named("standard"), needed)


def logistic(case: Case) -> Judged:
    """One-pass SGD of the logistic loss."""
    return sgd(case, "logistic")


def perceptron(case: Case) -> Judged:
    """The perceptron."""
    return sgd(case, "perceptron")


def flow(case: Case) -> Judged:
    """Gradient flow, with the hypotheses of its corollary."""
    needed = case.width(
        lambda m: near_init_flow(case.standard_at(m), case.data),
        lambda m: _kernel_cost(case, m),
        predicted=case.flow.at_width,
    )
    return by_theorem(case.flow, case.named("standard"), needed)


def both(case: Case) -> Judged:
    """Gradient flow, comparison with both layers."""
    if entries(case.standard, case.data, "both") > _BOTH:
        return Judged(Decision.TOO_LARGE, "what flips cost is a sum over all weights and points")
    theorem = near_init_flow(case.standard, case.data, layers="both")
    needed = case.width(
        lambda m: near_init_flow(case.standard_at(m), case.data, layers="both"),
        lambda m: _kernel_cost(case, m) * (1 + case.d),
    )
    return by_theorem(theorem, case.named("standard"), needed)


def margin(case: Case) -> Judged:
    """The NTK margin for ever: some floor has to be positive."""
    found = case.flow

    def predicted(m: int) -> list[Hypothesis]:
        g = found.start.g * (m / case.standard.m) ** 0.5
        best = found.P0 + g**2 / 2
        return [Hypothesis("", best, "", best > 0)]

    needed: Needed = case.width(
        lambda m: Floor(near_init_flow(case.standard_at(m), case.data)),
        lambda m: _kernel_cost(case, m),
        predicted=predicted,
    )
    return replace(by_theorem(Floor(found), case.named("standard"), needed), statement=None)


def order(case: Case) -> Judged:
    """The order of the integrator: no pair of the start may stand at a kink."""
    net, X = case.standard, case.given.data.X
    sizes = net.V.norm(dim=1)
    alive = sizes > 0
    cosine = (X @ net.V[alive].T).abs() / sizes[alive] / X.norm(dim=1)[:, None]
    least = float(cosine.min()) if bool(alive.any()) else 0.0
    clear = torch.tensor(least > 0 or net.slope == 1).item()
    statement = r"no kink at the start: least $|\cos(v_j, x_i)|$"
    return judged([Hypothesis(statement, least, "$> 0$", bool(clear))], case.named("standard"))
