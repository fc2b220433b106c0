"""General solvers on the normalized field, each with the fastest set-up that was found for it."""

from __future__ import annotations

import itertools
import math
from functools import partial

import torch
from scipy.integrate import BDF, LSODA, Radau
from scipy.sparse import csc_array

from _flow.crossing import Crossing, crossings, nearby_root
from _flow.problem import Identity, Shifted, StructuredJacobian, parity, runge_kutta


def torchdiffeq_dopri5(rtol, setup=parity):
    """The field in closed form, ended by an event; the next target starts from there."""
    from torchdiffeq import odeint

    _, data, problem = setup()
    X, y, m = data.X, data.y, problem.m

    def follow(targets, tick):
        counts = {"accepted": 0, "evaluations": 0}

        def features_and_margins(W):
            features = torch.relu(X @ W[m:].reshape(-1, m))
            return features, y * (features @ W[:m])

        def field(tau, W):
            counts["evaluations"] += 1
            features, p = features_and_margins(W)
            w = torch.softmax(-p, 0) * y
            inner = ((w[:, None] * X).T @ (features > 0).double()) * W[:m]
            return torch.cat([w @ features, inner.ravel()])

        def accept(tau, W, step):
            counts["accepted"] += 1

        field.callback_accept_step = accept
        tau, W = torch.zeros(1, dtype=torch.float64), torch.from_numpy(problem.start)
        for target in targets:

            def excess(tau, W):
                margin = features_and_margins(W)[1].min()
                tick(margin.item())
                return margin - target  # noqa: B023

            with torch.no_grad():
                times = torch.cat([tau, tau + 1.0])  # the second one is not used
                options = {"rtol": rtol, "atol": rtol, "method": "dopri5", "event_fn": excess}
                end, states = odeint(field, W, times, **options)
            tau, W = end.reshape(1), states[-1]
            # it finds the time to within atol only: a step from there to the target itself
            near = partial(runge_kutta, problem, W.numpy())
            s = nearby_root(lambda s: problem.min_margin(near(s)) - target, rtol)  # noqa: B023
            yield Crossing(target, problem.normalized(near(s)), *counts.values())

    return follow


def scipy_solver(rtol, method, structured=False, setup=parity):
    """SciPy's stiff solvers; ``structured`` gives BDF and Radau linear algebra of our own."""
    _, _, problem = setup()
    method = {"BDF": BDF, "Radau": Radau, "LSODA": LSODA}[method]

    def solver():
        options = {"rtol": rtol, "atol": rtol, "t_bound": math.inf}
        if method is LSODA:
            options["t_bound"] = 1e6  # it must be finite there
        if not structured:
            return method(problem.field, 0.0, problem.start, jac=problem.jacobian, **options)
        size = len(problem.start)
        made = method(problem.field, 0.0, problem.start, jac=csc_array((size, size)), **options)
        made.jac = lambda tau, W, slope=None: StructuredJacobian.at(problem, W)
        made.J, made.I = made.jac(0.0, problem.start), Identity()
        made.lu, made.solve_lu = Shifted.factorize, lambda solve, right: solve(right)
        return made

    def steps():
        made = solver()
        for accepted in itertools.count(1):
            message = made.step()
            if made.status == "failed":
                raise ArithmeticError(message)
            between = scipy_between(made)
            yield problem.min_margin(made.y), between, accepted, made.nfev

    return lambda targets, tick: crossings(problem, steps(), targets, tick)


def scipy_between(solver):
    def between(s):
        return solver.dense_output()(solver.t_old + s * (solver.t - solver.t_old))

    return between
