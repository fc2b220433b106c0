"""Diffrax on the normalized field: jitted, in float64."""

from __future__ import annotations

import math

import numpy as np

from _flow.crossing import Crossing
from _flow.problem import parity


def diffrax_solver(rtol, method, setup=parity):
    """Compiled once; in calls of some steps each, so that one can see how far a run is."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import diffrax
    import jax.numpy as jnp
    import lineax
    import optimistix

    _, _, problem = setup()
    X, y, m = jnp.asarray(problem.X), jnp.asarray(problem.y), problem.m

    def forward(W):
        features = jnp.maximum(X @ W[m:].reshape(-1, m), 0.0)
        return features, y * (features @ W[:m])

    def field(tau, W, target):
        features, p = forward(W)
        w = jax.nn.softmax(-p) * y
        inner = ((w[:, None] * X).T @ (features > 0).astype(X.dtype)) * W[:m]
        return jnp.concatenate([w @ features, inner.ravel()])

    def excess(t, y, args, **_):
        return (forward(y)[1].min() - args) / jnp.maximum(args, 1.0)

    if method == "Tsit5":
        solver, steps, stages = diffrax.Tsit5(), 1000, 6
    else:
        # Newton's equations by GMRES: the dense Jacobian that is the default costs seconds a step
        gmres = lineax.GMRES(rtol=1e-3, atol=1e-3)
        finder = optimistix.Newton(rtol=rtol, atol=rtol, linear_solver=gmres)
        solver, steps, stages = diffrax.Kvaerno5(root_finder=finder), 100, math.nan

    @jax.jit
    def leg(W, target):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            solver,
            t0=0.0,
            t1=jnp.inf,
            dt0=None,
            y0=W,
            args=target,
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol),
            event=diffrax.Event(excess, optimistix.Bisection(rtol=1e-12, atol=1e-9)),
            saveat=diffrax.SaveAt(t1=True),
            max_steps=steps,
            throw=False,
        )
        W, counts = solution.ys[-1], solution.stats
        work = counts["num_accepted_steps"], counts["num_steps"]
        return W, forward(W)[1].min(), solution.result, work

    start, one = jnp.asarray(problem.start), jnp.asarray(1.0)
    compiled = leg.lower(start, one).compile()

    def follow(targets, tick):
        W, accepted, tried = start, 0, 0
        for target in targets:
            arrived = False
            while not arrived:
                W, margin, result, work = compiled(W, jnp.asarray(float(target)))
                accepted, tried = accepted + int(work[0]), tried + int(work[1])
                arrived = bool(result == diffrax.RESULTS.event_occurred)
                if not arrived and not bool(result == diffrax.RESULTS.max_steps_reached):
                    raise ArithmeticError(str(diffrax.RESULTS[result]))
                tick(float(margin))
            yield Crossing(target, problem.normalized(np.asarray(W)), accepted, stages * tried)

    return follow
